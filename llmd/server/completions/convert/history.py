"""How a request goes on with a conversation that is kept. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from llmd.protocol.sessions import NewMessage, Picture
from llmd.server.completions import schema

_INSTRUCTING = {"system", "developer"}
Messages = list[schema.Message]
Essence = tuple[str, str, tuple[str | None, ...]]
"""Role, text and ids of calls: what makes two messages the same."""


class Joined(NamedTuple):
    """A conversation that goes on."""

    messages: Messages
    """All of it, as the model reads it."""
    new: Messages
    """What is not kept yet."""


def joined(kept: Sequence[schema.Message], asked: Sequence[schema.Message]) -> Joined:
    """Put what is kept before what is asked, but for what a client sends again.

    A client may send the whole conversation, its newest part, or what is new only. Instructions
    that lead a request stand for those that lead what is kept, and are kept themselves only where a
    conversation begins; empty ones mean none.
    """
    leading, rest = _split(asked)
    earlier, body = _split(kept)
    again = _repeated(body, rest)
    instructions = [one for one in leading or earlier if _text(one).strip()]
    told = rest[again:] if kept else [*instructions, *rest]
    return Joined([*instructions, *body[: len(body) - again], *rest], told)


def _split(messages: Sequence[schema.Message]) -> tuple[Messages, Messages]:
    count = next(
        (index for index, one in enumerate(messages) if one.role not in _INSTRUCTING), len(messages)
    )
    return list(messages[:count]), list(messages[count:])


def _repeated(kept: Messages, asked: Messages) -> int:
    """Return how many of the messages asked are the newest ones that are kept. Somebody who says
    the same as before says something new: only with an answer among them they are the same.
    """
    count = _overlap([_essence(one) for one in kept], [_essence(one) for one in asked])
    answered = any(one.role == "assistant" for one in asked[:count])
    return count if answered or count == len(kept) else 0


def _overlap(kept: Sequence[Essence], asked: Sequence[Essence]) -> int:
    """Return the greatest number of messages with which the one ends and the other begins, in a
    time that is linear whatever was said (Knuth, Morris and Pratt's).
    """
    if not asked:
        return 0
    shorter = [0] * len(asked)
    for end in range(1, len(asked)):
        shorter[end] = _grown(asked, shorter, shorter[end - 1], asked[end])
    found = 0
    for one in kept:
        found = _grown(asked, shorter, found, one)
    return found


def _grown(asked: Sequence[Essence], shorter: Sequence[int], found: int, one: Essence) -> int:
    """Return with how many of `asked` a row ends once `one` follows."""
    while found and (found == len(asked) or asked[found] != one):
        found = shorter[found - 1]
    return found + 1 if asked[found] == one else 0


def _essence(message: schema.Message) -> Essence:
    calls = tuple(call.id for call in message.tool_calls or ())
    return message.role, _text(message).strip(), calls


def _text(message: schema.Message) -> str:
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part.text for part in content if part.text)


def kept_form(message: schema.Message) -> NewMessage:
    """Return a message as it is kept: pictures and sounds are not, but counted."""
    content = message.content if isinstance(message.content, list) else []
    media = sum(part.type != "text" for part in content)
    told: dict[str, Any] = {
        "name": message.name,
        "tool_calls": msgspec.to_builtins(message.tool_calls),
        "tool_call_id": message.tool_call_id,
        "media": media or None,
    }
    return NewMessage(
        role="tool" if message.role == "function" else message.role,
        content=_text(message),
        metadata_info={name: value for name, value in told.items() if value is not None},
    )


def recalled(kept: NewMessage) -> schema.Message:
    """Return a kept message as a request has it. What clients put into its metadata themselves
    counts only where it can be a call or its result.
    """
    plain: dict[str, Any] = {"role": kept.role, "content": kept.content}
    told: dict[str, Any] = {
        name: kept.metadata_info[name]
        for name in ("name", "tool_calls", "tool_call_id")
        if name in kept.metadata_info
    }
    try:
        return msgspec.convert(plain | told, schema.Message)
    except msgspec.ValidationError:
        return msgspec.convert(plain, schema.Message)


def pictured(message: schema.Message, pictures: Sequence[Picture]) -> schema.Message:
    """Return a message with its pictures behind its text."""
    if not pictures:
        return message
    urls = [f"data:{one.kind};base64,{b64encode(one.data).decode()}" for one in pictures]
    shown = [schema.Part(type="image_url", image_url=schema.ImageUrl(url)) for url in urls]
    words = _text(message)
    told = [schema.Part(type="text", text=words)] if words else []
    return msgspec.structs.replace(message, content=[*told, *shown])
