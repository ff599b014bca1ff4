"""Forms of pages to structs."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from llmd.errors import BodyTooLarge, InvalidRequest

T = TypeVar("T", bound=msgspec.Struct)

_URLENCODED = "application/x-www-form-urlencoded"
_LONGEST = 256 * 1024
"""Bytes of a form; taking one apart stops the event loop for as long as it takes."""

Fields = MultiDictProxy[str | bytes | bytearray | web.FileField]


async def posted(request: web.Request) -> Fields:
    """Return the fields of a form as browsers send it, urlencoded; another body has none. Raises
    BodyTooLarge.
    """
    if request.content_type != _URLENCODED:
        return MultiDictProxy(MultiDict())
    # browsers always know the length
    if request.content_length is None or request.content_length > _LONGEST:
        raise BodyTooLarge("The form is too large.", hint=f"It may have {_LONGEST // 1024} KiB.")
    return await request.post()


async def read_fields(request: web.Request, kind: type[T]) -> T:
    """Convert the fields of a form; raise InvalidRequest with `param` naming the offending one. A
    field that comes several times is a list where the struct has one; fields that were left empty
    count as not sent.
    """
    sent = await posted(request)
    lists = {field.name for field in msgspec.structs.fields(kind) if _is_list(field.type)}
    values: dict[str, object] = {}
    for name in sent:
        texts = [text for text in sent.getall(name) if isinstance(text, str) and text]
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
