"""Text beside the calls of a message, for templates that print the calls alone: it is put where the
model wrote it, right before them.

Only the template knows where its calls begin. So the name of the first call is marked, and the text
goes before the opening of calls that stands before the mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmd.chat.abilities import Message

_MARK = "llmdSaysThis"


def with_text(
    messages: Sequence[Message], opening: str, render: Callable[[Sequence[Message]], str]
) -> str:
    """Return a prompt, as `render` makes it of messages, with text before the `opening` of calls;
    without that text where the calls do not come out as expected.
    """
    mark = _MARK
    while mark in repr(messages):
        mark += "X"
    texts: list[str] = []
    marked = [_marked(message, mark, texts) for message in messages]
    if not texts:
        return render(messages)
    head, *parts = render(marked).split(mark)
    if len(parts) != len(texts):
        return render(messages)
    for text, part in zip(texts, parts, strict=True):
        before, found, behind = head.rpartition(opening)
        if not found:
            return render(messages)
        head = f"{before}{text}{found}{behind}{part}"
    return head


def _marked(message: Message, mark: str, texts: list[str]) -> Message:
    """Return a message with its first call marked if there is text beside it, which is added to
    `texts`.
    """
    content = message.get("content")
    if not message.get("tool_calls") or not isinstance(content, str) or not content.strip():
        return message
    first, *others = message["tool_calls"]
    function = first["function"]
    texts.append(content)
    named = {**first, "function": {**function, "name": f"{mark}{function['name']}"}}
    return {**message, "tool_calls": [named, *others]}
