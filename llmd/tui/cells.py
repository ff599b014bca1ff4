"""Tables as values: cells with a tone instead of a colour, and which columns fit a width. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec
from rich.cells import cell_len, chop_cells

GAP = 2
"""Cells between two columns."""
_NARROWEST = 8


class Tone(StrEnum):
    """What a text means; themes give it a colour."""

    PLAIN = ""
    DIM = "dim"
    STRONG = "bold"
    GOOD = "success"
    WARN = "warning"
    BAD = "error"
    ACCENT = "accent"


class Cell(msgspec.Struct, frozen=True):
    """A text in a table or in details; one line."""

    text: str
    tone: Tone = Tone.PLAIN


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a table."""

    name: str
    """Heading, and what tells columns apart."""
    rank: int = 0
    """Columns with the highest rank go first where there is no room for all."""
    flexible: bool = False
    """Whether it is cut where there is too little room; the first ones get what is left first."""
    least: int = 12
    """What a flexible one keeps before others go, or all that it needs."""
    right: bool = False
    """Whether its texts end in one line."""


class Row(msgspec.Struct, frozen=True):
    """One row; `key` tells it apart from others, whatever stands in it."""

    key: str
    cells: tuple[Cell, ...]


class Line(msgspec.Struct, frozen=True):
    """One line of details: a name and what there is to say, a heading (no value), or free text (no
    name).
    """

    name: str = ""
    value: tuple[Cell, ...] = ()


def fitted(columns: Sequence[Column], needed: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Return the columns to show, as place and width, given what each needs and how many cells
    there are.
    """
    kept = list(range(len(columns)))

    def least(place: int) -> int:
        width = needed[place]
        return min(width, columns[place].least) if columns[place].flexible else width

    def total() -> int:
        return sum(least(place) + GAP for place in kept)

    while len(kept) > 1 and total() > room:
        weakest = max(kept, key=lambda place: (columns[place].rank, place))
        if not columns[weakest].rank:
            break
        kept.remove(weakest)
    spare = room - total()
    found = []
    for place in kept:
        width = least(place)
        if columns[place].flexible:
            width = max(1, min(needed[place], width + spare))
        spare -= width - least(place)
        found.append((place, width))
    return found


def line(name: str, text: str, tone: Tone = Tone.PLAIN) -> Line:
    """Return a line with one text."""
    return Line(name, (Cell(text, tone),))


def said(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """Return free text."""
    return Line("", (Cell(text, tone),))


def told(lines: Sequence[Line]) -> list[Line]:
    """Return lines without those that say nothing."""
    return [entry for entry in lines if not entry.value or any(cell.text for cell in entry.value)]


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of so many cells, broken between words where that can be."""
    if width < _NARROWEST or cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in re.findall(r"\S+\s*", text):
        if lines[-1] and cell_len(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
        while cell_len(lines[-1].rstrip()) > width:
            *whole, rest = chop_cells(lines[-1], width)
            lines[-1:] = [*whole, rest]
    return [entry.rstrip() for entry in lines]


def bar(share: float, width: int) -> tuple[Cell, Cell]:
    """Return a bar of so many cells, in halves: what is full of it, and the rest."""
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    full, half = divmod(halves, 2)
    drawn = "━" * full + ("╸" if half else "")
    return Cell(drawn, Tone.ACCENT), Cell("─" * (width - len(drawn)), Tone.DIM)
