"""Reorders the turns of a conversation for templates that insist on an order: one system message,
roles that take turns, no text beside calls. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import takewhile

from llmd.chat.abilities import Message

_SILENCE: Message = {"role": "assistant", "content": " "}
"""An answer that says nothing; some templates refuse an empty one."""


def one_system(messages: Sequence[Message]) -> list[Message]:
    """Join the system messages that lead a conversation, and let the user say the others."""
    leading = list(takewhile(_instructs, messages))
    turns = [reduce(_joined, leading)] if leading else []
    waiting: Message | None = None
    for message in messages[len(leading) :]:
        if _instructs(message):
            said = {**message, "role": "user"}
            waiting = _joined(waiting, said) if waiting else said
            continue
        if waiting and message["role"] == "user":
            turns.append(_joined(waiting, message))
        else:
            turns += [waiting, message] if waiting else [message]
        waiting = None
    return [*turns, waiting] if waiting else turns


def taking_turns(messages: Sequence[Message]) -> list[Message]:
    """Join neighbours of one role, and part a user's message from results of tools before it."""
    turns: list[Message] = []
    for message in messages:
        last = turns[-1] if turns else {}
        plain = message["role"] in {"user", "assistant"} and not message.get("tool_calls")
        if plain and last.get("role") == message["role"] and not last.get("tool_calls"):
            turns[-1] = _joined(last, message)
            continue
        if message["role"] == "user" and last.get("role") == "tool":
            turns.append(_SILENCE)
        turns.append(message)
    return turns


def user_first(messages: Sequence[Message]) -> list[Message]:
    """Have the user begin a conversation behind the instructions, with nothing to say where the
    assistant began it.
    """
    leading = list(takewhile(_instructs, messages))
    rest = messages[len(leading) :]
    if not rest or rest[0]["role"] == "user":
        return list(messages)
    return [*leading, {**_SILENCE, "role": "user"}, *rest]


def text_apart(messages: Sequence[Message]) -> list[Message]:
    """Part messages with text and calls: the text comes first."""
    turns: list[Message] = []
    for message in messages:
        if message.get("tool_calls") and message["content"]:
            turns.append({"role": message["role"], "content": message["content"]})
            turns.append({**message, "content": ""})
        else:
            turns.append(message)
    return turns


def _instructs(message: Message) -> bool:
    return bool(message["role"] == "system")


def _joined(first: Message, second: Message) -> Message:
    """Return both messages as one."""
    texts = first["content"], second["content"]
    if all(isinstance(text, str) for text in texts):
        return {**first, **second, "content": "\n\n".join(filter(None, texts))}
    gap = {"type": "text", "text": "\n\n"}
    return {**first, **second, "content": [*_parts(texts[0]), gap, *_parts(texts[1])]}


def _parts(content: str | list[object]) -> list[object]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
