"""Talks and tools in files, as `llmd chat` writes and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmd.errors import InvalidRequest
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import SYSTEM, Turn

_TITLES = {"system": "System", "user": "You", "assistant": "Answer"}


class _Line(msgspec.Struct, frozen=True):
    role: str
    content: str


class _Tool(msgspec.Struct, frozen=True):
    function: dict[str, Any]
    type: str = "function"


def save(talk: Talk, path: Path) -> None:
    """Write what was said: JSON messages into `*.json`, Markdown into anything else; raise
    InvalidRequest when that cannot be.
    """
    system = [_Line("system", talk.system)] if talk.system else []
    said = [
        _Line(turn.role, turn.text)
        for turn in talk.turns
        if turn.role not in SYSTEM and not turn.left_out and turn.says_something
    ]
    try:
        path.write_bytes(_json(system + said) if path.suffix == ".json" else _prose(system + said))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror}.") from error


def _json(lines: Sequence[_Line]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(lines), indent=2) + b"\n"


def _prose(lines: Sequence[_Line]) -> bytes:
    parts = (f"## {_TITLES.get(one.role, one.role)}\n\n{one.content}\n" for one in lines)
    return "\n".join(parts).encode("utf-8", "replace")


def load(path: Path) -> list[Turn]:
    """Read a conversation saved as JSON; raise InvalidRequest when it is none."""
    lines = _read(path, list[_Line], "saved conversation", "`/save NAME.json` writes one.")
    return [Turn(line.role, line.content) for line in lines]


def tools(path: Path) -> list[dict[str, Any]]:
    """Read definitions of tools in OpenAI's shape; raise InvalidRequest when there are none."""
    hint = 'Give [{"type": "function", "function": {"name": ..., "parameters": {...}}}].'
    found = _read(path, list[_Tool], "list of tools", hint)
    if not all(isinstance(tool.function.get("name"), str) for tool in found):
        raise InvalidRequest(f"{path} has a tool without a name.", hint=hint)
    return [{"type": tool.type, "function": tool.function} for tool in found]


def _read(path: Path, shape: Any, name: str, hint: str) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path} is no {name}: {error}.", hint=hint) from error
