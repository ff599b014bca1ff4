"""Where the pictures and sounds of a conversation go in its rendered text. Pure.

The chat template gets a marker for each, within the text of its message, as in llama.cpp; what the
template wrote is then cut at the markers. They hold a number nobody can guess, so that no text of a
user, of a tool or of the template is ever taken for one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from llmd.errors import InvalidRequest

MEDIA = frozenset({"image", "audio"})
"""Types of parts that stand for `media`, an index into the media of the prompt."""

Message = dict[str, Any]


def is_media(part: object) -> bool:
    """Whether a part of a message's content stands for a picture or a sound."""
    return isinstance(part, dict) and part.get("type") in MEDIA


def places(messages: Iterable[Message]) -> list[str]:
    """Return what to call each of the media in errors, in their order: `messages[0].content[1]`."""
    found = {
        part["media"]: f"messages[{row}].content[{column}]"
        for row, message in enumerate(messages)
        if isinstance(message.get("content"), list)
        for column, part in enumerate(message["content"])
        if is_media(part)
    }
    return [found[index] for index in sorted(found)]


class Marks:
    """The markers of one rendering."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._pattern = re.compile(rf"<__media_{self._secret}_(\d+)__>")

    def put(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages with text alone: parts joined by line breaks, but not at markers."""
        return [self._marked(message) for message in messages]

    def show(self, text: str) -> str:
        """Return a rendered text for people, with llama.cpp's name of a marker at each."""
        return self._pattern.sub("<__media__>", text)

    def cut(self, text: str, expected: Sequence[Message]) -> list[str | int]:
        """Return a rendered text as texts and indexes of media; raise InvalidRequest when the
        template left out some of those that `expected` holds.
        """
        pieces = self._pattern.split(text)
        found: list[str | int] = [
            int(piece) if number % 2 else piece for number, piece in enumerate(pieces)
        ]
        for row, message in enumerate(expected):
            for column, part in enumerate(_parts(message)):
                if is_media(part) and part["media"] not in found:
                    where = f"messages[{row}].content[{column}]"
                    raise InvalidRequest(
                        f"The model's chat template leaves out {where}.",
                        hint="Put it into a user message.",
                        param=where,
                    )
        return [piece for piece in found if piece != ""]

    def _marked(self, message: Message) -> Message:
        parts = _parts(message)
        if not any(map(is_media, parts)):
            return message
        text, after_marker = "", True
        for part in parts:
            marker = is_media(part)
            if not (marker or after_marker):
                text += "\n"
            text += f"<__media_{self._secret}_{part['media']}__>" if marker else _text(part)
            after_marker = marker
        return {**message, "content": text}


def _parts(message: Message) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _text(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else ""
