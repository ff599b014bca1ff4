"""JSON bodies and queries to structs, with the parameter named when one is wrong."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest

T = TypeVar("T")

_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?$", re.DOTALL)


async def read_json(request: web.Request, kind: type[T]) -> T:
    """Decode the body; raise InvalidRequest with `param` naming the offending field."""
    return decode_json(await request.read(), kind)


def read_query(request: web.Request, kind: type[T]) -> T:
    """Convert the parameters of the URL, of which unknown ones are tolerated and of repeated ones
    the first counts; raise InvalidRequest with `param` naming the offending one.
    """
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except msgspec.ValidationError as error:
        what, param = _explain(str(error))
        where = f"{param}: " if param else ""
        raise InvalidRequest(f"{where}{what}.", param=param) from error


def decode_json(body: bytes, kind: type[T]) -> T:
    """Decode bytes; raise InvalidRequest with `param` naming the offending field."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        what, param = _explain(str(error))
        where = f"{param}: " if param else ""
        raise InvalidRequest(f"{where}{what}.", param=param) from error
    except RecursionError as error:
        raise nested_too_deep() from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not UTF-8.", hint="Send JSON in UTF-8.") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"The body is not valid JSON: {error}.", hint="Send a JSON object."
        ) from error


def nested_too_deep() -> InvalidRequest:
    """Return what is said of JSON that overflows the stack, here or where it is used later, which
    may be deeper in the stack.
    """
    return InvalidRequest(
        "The JSON of the body is nested too deep.", hint="Send something flatter."
    )


def _explain(message: str) -> tuple[str, str | None]:
    match = _PATH.match(message)
    what, path = (match["what"], match["path"]) if match else (message, None)
    missing = re.search(r"missing required field `(\w+)`", what)
    inside = path[1:].lstrip(".") if path else ""
    if missing:
        inside = f"{inside}.{missing[1]}" if inside else missing[1]
    return what[:1].lower() + what[1:], inside or None
