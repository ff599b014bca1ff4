"""Why the prefix cache held no more of a prompt, in a sentence. Pure."""

from __future__ import annotations

from llmd.protocol.events import CacheMiss, MissKind

_SHOWN = 24

_WHAT = {
    MissKind.SYSTEM: "system prompt differs",
    MissKind.TOOLS: "tools or their order differ",
    MissKind.TIME: "a date or time differs",
    MissKind.MESSAGES: "an earlier message differs",
    MissKind.PROMPT: "the text differs",
}


def plainly(miss: CacheMiss | None) -> str:
    """Return what a person can act on; nothing when nothing was missed. What is quoted holds no
    control characters.
    """
    if miss is None:
        return ""
    if miss.kind is MissKind.COLD:
        return "nothing cached yet"
    if miss.kind is MissKind.EVICTED:
        return f"evicted: {miss.evicted_tokens:,} tokens had to make room"
    told = f"{_WHAT[miss.kind]} at token {miss.token}"
    if not (miss.text and miss.instead):
        return told
    return f"{told}: {_quoted(miss.text)} instead of {_quoted(miss.instead)}"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
