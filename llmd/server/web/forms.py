"""Forms of pages to structs."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest

T = TypeVar("T", bound=msgspec.Struct)


async def read_fields(request: web.Request, kind: type[T]) -> T:
    """Convert the fields of a form as browsers send it, urlencoded; raise InvalidRequest with
    `param` naming the offending one. A field that comes several times is a list where the struct
    has one; fields that were left empty count as not sent.
    """
    sent = await request.post()
    lists = {field.name for field in msgspec.structs.fields(kind) if _is_list(field.type)}
    values: dict[str, object] = {}
    for name in sent:
        texts = [text for text in sent.getall(name) if isinstance(text, str) and text != ""]
        if texts:
            values[name] = texts if name in lists else texts[0]
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        told, _, path = str(error).partition(" - at `$.")
        param = path.rstrip("`") or None
        raise InvalidRequest(f"{param}: {told}." if param else f"{told}.", param=param) from error


def _is_list(kind: object) -> bool:
    return "list[" in str(kind).lower() or "frozenset[" in str(kind).lower()
