"""Talks and tools in files, as `llmd chat` writes and reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from llmd.client import saved
from llmd.client.saved import Message
from llmd.errors import InvalidRequest
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import SYSTEM, Turn

_LARGEST_TEXT = 2**18


class _Tool(msgspec.Struct, frozen=True):
    function: dict[str, Any]
    type: str = "function"


def save(talk: Talk, path: Path) -> None:
    """Write what was said: JSON messages into `*.json`, Markdown into anything else; raise
    InvalidRequest when that cannot be.
    """
    system = [Message("system", talk.system)] if talk.system else []
    said = [
        Message(turn.role, turn.text)
        for turn in talk.turns
        if turn.role not in SYSTEM and not turn.left_out and turn.says_something
    ]
    saved.write(system + said, path)


def load(path: Path) -> list[Turn]:
    """Read a conversation saved as JSON; raise InvalidRequest when it is none."""
    return [Turn(message.role, message.content) for message in saved.read(path)]


def text(path: Path) -> str:
    """Read a text as it goes with a question, under its name; raise InvalidRequest for what is none
    or too long for that.
    """
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise InvalidRequest(
                f"{path} is too long to be typed.", hint=f"`llmd run -f {path}` asks about it."
            )
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is no text in UTF-8.", hint="Convert it first.") from error
    return f"{path.name}:\n{content.rstrip()}"


def tools(path: Path) -> list[dict[str, Any]]:
    """Read definitions of tools in OpenAI's shape; raise InvalidRequest when there are none."""
    hint = 'Give [{"type": "function", "function": {"name": ..., "parameters": {...}}}].'
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[_Tool])
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path} is no list of tools: {error}.", hint=hint) from error
    if not all(isinstance(tool.function.get("name"), str) for tool in found):
        raise InvalidRequest(f"{path} has a tool without a name.", hint=hint)
    return [{"type": tool.type, "function": tool.function} for tool in found]
