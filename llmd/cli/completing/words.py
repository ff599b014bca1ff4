"""A bash command line as far as it is typed, taken apart as bash does. Pure."""

from typing import NamedTuple

_BLANK = " \t\n"
_ESCAPED_IN_DOUBLE = '"\\$`\n'
_SPECIAL = frozenset(" \t\n\"'\\|&;<>()$`*?[]{}#~!=%")


class Line(NamedTuple):
    """The words that are complete, the one at the cursor, and the quote it stands in ("": none)."""

    words: list[str]
    current: str
    quote: str


def split(text: str) -> Line:
    """Take the text before the cursor apart; nothing in it is expanded."""
    words: list[str] = []
    word: list[str] | None = None
    quote, rest = "", iter(text)
    for char in rest:
        if quote:
            if char == quote:
                quote = ""
                continue
            escaped = next(rest, "") if char == "\\" and quote == '"' else ""
            kept = "\\" if escaped and escaped not in _ESCAPED_IN_DOUBLE else ""
            word = [*(word or []), kept + escaped if escaped else char]
        elif char in _BLANK:
            words += ["".join(word)] if word is not None else []
            word = None
        elif char in "\"'":
            quote, word = char, word or []
        else:
            word = [*(word or []), next(rest, "") if char == "\\" else char]
    return Line(words, "".join(word or []), quote)


def quoted(word: str, quote: str) -> str:
    """Return a word as it must be typed behind an open quote, or without one."""
    if quote == "'":
        return word.replace("'", "'\\''")
    if quote == '"':
        return "".join(f"\\{char}" if char in _ESCAPED_IN_DOUBLE else char for char in word)
    return "".join(f"\\{char}" if char in _SPECIAL and char not in "=%" else char for char in word)
