"""Log entries as styled pieces, the choice among them, and how they are cut to a width. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from rich.cells import cell_len, get_character_cell_size

from llmd.telemetry.log_file import Entry

LEVELS = ("debug", "info", "warning", "error")
"""What may be chosen, each with all that is graver."""
_RANKS = {**{level: rank for rank, level in enumerate(LEVELS)}, "critical": len(LEVELS)}
_CLOCK = slice(11, 19)
_LEVEL = 8
_INDENT = "  "

Piece = tuple[str, str]
"""A text, and the name of its style: `time`, `logger`, `details`, `trace`, a level, or none."""
Line = tuple[Piece, ...]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are shown."""

    level: str = LEVELS[0]
    """The least grave one."""
    text: str = ""
    """Words that must all stand in an entry."""

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is shown; one that says no level always may."""
        rank = _RANKS.get(entry.level, len(LEVELS))
        if rank < _RANKS[self.level]:
            return False
        said = entry.text.casefold()
        return all(word in said for word in self.text.casefold().split())


def graver(level: str) -> str:
    """Return the next level; behind the gravest comes the first."""
    return LEVELS[(LEVELS.index(level) + 1) % len(LEVELS)]


def lines(entry: Entry, width: int = 0) -> list[Line]:
    """Return the lines of an entry; with a `width` in cells long ones go on in the next line."""
    if entry.time or entry.level:
        level = entry.level if entry.level in _RANKS else "info"
        head: list[Piece] = [
            (f"{entry.time[_CLOCK]} " if entry.time else "", "time"),
            (entry.level.ljust(_LEVEL), level),
            (f"{entry.logger}: " if entry.logger else "", "logger"),
            (_visible(entry.event), "event"),
            (f" {_visible(entry.details)}" if entry.details else "", "details"),
        ]
    else:
        head = [(_visible(entry.event), "event")]
    found = [tuple(piece for piece in head if piece[0])]
    found += [((_INDENT + _visible(text), "trace"),) for text in entry.trace.splitlines()]
    if not width:
        return found
    return [part for line in found for part in wrapped(line, width)]


def wrapped(line: Line, width: int) -> Iterator[Line]:
    """Yield a line in parts of at most `width` cells, those behind the first indented; wide
    characters stay whole.
    """
    part: list[Piece] = []
    room = max(width, len(_INDENT) + 2)
    left = room
    for text, style in line:
        begun = ""
        for char in text:
            size = get_character_cell_size(char)
            if size > left:
                yield (*part, (begun, style))
                part, begun, left = [(_INDENT, "")], "", room - len(_INDENT)
            begun += char
            left -= size
        part.append((begun, style))
    yield tuple(part)


def measured(line: Line) -> int:
    """Return how many cells a line takes."""
    return sum(cell_len(text) for text, _ in line)


def plain(all_lines: Iterable[Line]) -> str:
    """Return lines as text."""
    return "\n".join("".join(text for text, _ in line) for line in all_lines)


def _visible(text: str) -> str:
    """Return text that cannot move the cursor: clients choose some of what is logged."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
