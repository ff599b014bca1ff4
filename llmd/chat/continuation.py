"""Prompts that end inside their last message, an answer that was begun, so that the model goes on
with it.

Only the template knows what stands before a message's text, and what it makes of the text itself.
So the message is rendered with a mark behind its text, and the prompt is cut there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmd.chat.abilities import Message

_MARK = "llmdGoesOnBehindThisMark"


def continued(messages: Sequence[Message], render: Callable[[list[Message]], str]) -> str | None:
    """Return the prompt up to the end of the last message's text, as `render` makes it of messages;
    None where that is no answer with text and without calls, or does not come out whole.
    """
    *earlier, last = messages or [{}]
    content = _marked(last.get("content"))
    if last.get("role") != "assistant" or last.get("tool_calls") or content is None:
        return None
    text, mark, behind = render([*earlier, {**last, "content": content}]).partition(_MARK)
    if not mark or _MARK in behind:
        return None
    # a template may trim the text, but not make something else of it
    return text if render(list(messages)).startswith(text.rstrip()) else None


def _marked(content: object) -> object:
    """Return a content with the mark behind its text; None where there is no text."""
    if isinstance(content, str):
        return content + _MARK if content.strip() else None
    if not isinstance(content, list) or not content:
        return None
    part = content[-1]
    text = _marked(part.get("text")) if isinstance(part, dict) else None
    return [*content[:-1], {**part, "text": text}] if text else None
