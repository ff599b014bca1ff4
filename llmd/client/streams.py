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
    events = Events()
    for line in lines:
        event = events.take(line)
        if events.done:
            return
        if event is not None:
            yield event
    raise cut_short()


class Events:
    """Server-sent events, line by line."""

    def __init__(self) -> None:
        self.done = False
        """Whether `[DONE]` has come."""
        self._data: list[bytes] = []

    def take(self, raw: bytes) -> dict[str, Any] | None:
        """Return the event that a line completes; raise the error it carries."""
        line = raw.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            event, self._data = b"\n".join(self._data), []
            self.done = event == _DONE
            return None if self.done else read_object(event)
        return None


def cut_short() -> DaemonUnreachable:
    """Return the error for a stream that ends too early."""
    return DaemonUnreachable(
        "The daemon ended the answer before it was complete.",
        hint="Try again; `llmd logs` may say why.",
    )
