"""Multipart forms to structs, read part by part: what is too large is refused before it lies in
memory.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from llmd.errors import BodyTooLarge, InvalidRequest

T = TypeVar("T", bound=msgspec.Struct)

_CHUNK = 2**16
_LONGEST_TEXT = 2**16


async def read_form(request: web.Request, kind: type[T], largest_file: int) -> T:
    """Read a body whose parts are the fields of a struct, files as `bytes` and all others as text;
    raise InvalidRequest with `param` naming the offending part, BodyTooLarge for a file of more
    than `largest_file` bytes or a body over the limit of all bodies.
    """
    if (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size)
    if request.content_type != "multipart/form-data":
        raise InvalidRequest(
            f"This path takes multipart/form-data, not {request.content_type[:100]}.",
            hint='Send a form, as `curl -F "name=value"` does.',
        )
    names = {field.name: field.type is bytes for field in msgspec.structs.fields(kind)}
    try:
        values = await _read(await request.multipart(), names, largest_file)
    # aiohttp has no class of its own for a malformed form
    except (ValueError, RuntimeError, HttpProcessingError) as error:
        raise InvalidRequest(
            f"The body is no valid form: {str(error)[:200]}.", hint="Send multipart/form-data."
        ) from error
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in values:
            raise InvalidRequest(
                f"The form has no {field.name}.",
                hint=f"Send it as a {'file' if names[field.name] else 'text'}.",
                param=field.name,
            )
    return msgspec.convert(values, kind)


async def _read(
    parts: MultipartReader, names: dict[str, bool], largest_file: int
) -> dict[str, bytes | str]:
    values: dict[str, bytes | str] = {}
    while part := await parts.next():
        if isinstance(part, MultipartReader):
            raise InvalidRequest("A form is not nested.", hint="Send all parts side by side.")
        name = _checked_name(part, names, values)
        is_file = names[name]
        data = await _content(part, name, largest_file if is_file else _LONGEST_TEXT)
        values[name] = data if is_file else data.decode()
    return values


def _checked_name(
    part: BodyPartReader, names: dict[str, bool], seen: dict[str, bytes | str]
) -> str:
    name = part.name or ""
    if name not in names:
        raise InvalidRequest(
            f"The form has a part {name[:50]!r}, which means nothing here.",
            hint=f"Send {', '.join(names)}.",
            param=name[:50] or None,
        )
    if name in seen:
        raise InvalidRequest(f"The form has {name} twice.", hint="Send it once.", param=name)
    encoding = part.headers.get("Content-Transfer-Encoding", "binary").lower()
    if encoding not in {"binary", "8bit", "7bit"}:
        raise InvalidRequest(
            f"{name} is encoded as {encoding[:50]}.", hint="Send its bytes as they are.", param=name
        )
    return name


async def _content(part: BodyPartReader, name: str, most: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        data += chunk
        if len(data) > most:
            raise BodyTooLarge(
                f"{name} has more than {most} bytes.", hint="Send something smaller.", param=name
            )
    return bytes(data)
