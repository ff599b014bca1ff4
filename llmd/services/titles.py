"""What a conversation is called when nobody gave it a name: how its first message begins."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_COLUMNS = 60
_ELLIPSIS = "…"
_JOINER = "\N{ZERO WIDTH JOINER}"


def title_of(text: str) -> str:
    """Return the first words of a text, on one line of 60 columns at most; a Chinese character
    takes two.
    """
    words = "".join(char if char.isprintable() else " " for char in text).split()
    line = " ".join(words)
    end = _fitting(line, _COLUMNS)
    if end == len(line):
        return line
    end = _fitting(line, _COLUMNS - 1)
    return line[: _between_words(line, end)].rstrip() + _ELLIPSIS


def _fitting(line: str, columns: int) -> int:
    """Return how many characters fit."""
    for index, char in enumerate(line):
        columns -= _width(char)
        if columns < 0:
            return index
    return len(line)


def _width(char: str) -> int:
    if category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(char) in {"W", "F"} else 1


def _between_words(line: str, end: int) -> int:
    """Return where to cut at `end` or before: not within a word, unless it fills half the line."""
    while end and (_width(line[end]) == 0 or line[end - 1] == _JOINER):
        end -= 1  # an emoji or an accented letter of several code points stays whole
    space = line.rfind(" ", 0, end + 1)
    within = all(char.isalnum() and _width(char) == 1 for char in line[end - 1 : end + 1])
    return space if within and space > end // 2 else end
