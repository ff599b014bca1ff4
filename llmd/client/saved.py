"""Conversations in files, as `llmd chat` and the terminal interface write and read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest

_TITLES = {"system": "System", "user": "You", "assistant": "Answer"}


class Message(msgspec.Struct, frozen=True):
    """One turn."""

    role: str
    content: str


def write(messages: Sequence[Message], path: Path) -> None:
    """Write a conversation: JSON messages into `*.json`, Markdown into anything else; raise
    InvalidRequest when that cannot be.
    """
    data = _json(messages) if path.suffix == ".json" else _prose(messages)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror}.") from error


def read(path: Path) -> list[Message]:
    """Read a conversation saved as JSON; raise InvalidRequest when it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Message])
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"{path} is no saved conversation: {error}.",
            hint="`/save NAME.json` writes one that can be read.",
        ) from error


def _json(messages: Sequence[Message]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(messages), indent=2) + b"\n"


def _prose(messages: Sequence[Message]) -> bytes:
    parts = (f"## {_TITLES.get(one.role, one.role)}\n\n{one.content}\n" for one in messages)
    # half of a character that a model wrote is no reason to keep nothing
    return "\n".join(parts).encode("utf-8", "replace")
