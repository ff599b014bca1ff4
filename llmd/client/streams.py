"""Lines of a streamed answer to JSON objects: NDJSON and server-sent events. Pure.

An object `{"error": {...}}` ends the stream by raising what it describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from llmd.errors import DaemonUnreachable, LlmdError, from_wire

_DONE = b"[DONE]"


def read_object(data: bytes) -> dict[str, Any]:
    """Decode one JSON object; raise the error it carries, or LlmdError when it is no JSON
    object.
    """
    try:
        found = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise LlmdError(
            f"The daemon answered with something else than JSON: {data[:80]!r}.",
            hint="Is LLMD_SOCKET llmd's socket?",
        ) from error
    if isinstance(found.get("error"), dict):
        raise from_wire(found["error"])
    return found


def ndjson(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield one object per line."""
    for line in lines:
        if line.strip():
            yield read_object(line)


def server_sent(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield one object per event, up to `[DONE]`; a stream that ends without it raises
    DaemonUnreachable.
    """
    data: list[bytes] = []
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            event, data = b"\n".join(data), []
            if event == _DONE:
                return
            yield read_object(event)
    raise DaemonUnreachable(
        "The daemon ended the answer before it was complete.",
        hint="Try again; `llmd logs` may say why.",
    )
