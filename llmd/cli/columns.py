"""Which columns of a table are shown in a terminal's width: what one needs stays whole, the rest
is left out. Pure.
"""

from collections.abc import Sequence
from typing import NamedTuple

_GAP, _NARROW_GAP = 3, 2
_LEAST_TEXT = 20


class Column(NamedTuple):
    """A column, which is shown whole or not at all unless it is a `text`, which may be cut."""

    heading: str
    rank: int = 0
    """Where room is short, the lowest goes first, of equals the last; the first column stays."""
    text: bool = False


class Layout(NamedTuple):
    """What is shown: places of columns with their widths, and the blanks between them."""

    widths: dict[int, int]
    gap: int


def named(headings: Sequence[str | Column]) -> list[Column]:
    """Return columns of which some are given by their headings alone."""
    return [Column(one) if isinstance(one, str) else one for one in headings]


def arranged(columns: Sequence[Column], widths: Sequence[int], room: int | None) -> Layout:
    """Choose what is shown in so many cells (None: everything, whole) of columns of such widths, 0
    where nothing stands in any row. What must stay may be wider than the room.
    """
    whole = {
        place: max(width, len(column.heading))
        for place, (column, width) in enumerate(zip(columns, widths, strict=True))
    }
    if room is None or _total(whole, _GAP) <= room:
        return Layout(whole, _GAP)
    shown = {place: width for place, width in whole.items() if widths[place] or not place}
    while len(shown) > 1 and _total(_least(columns, shown), _NARROW_GAP) > room:
        optional = (place for place in shown if place)
        del shown[min(optional, key=lambda place: (columns[place].rank, -place))]
    return Layout(_cut(columns, shown, room), _NARROW_GAP)


def _total(widths: dict[int, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def _least(columns: Sequence[Column], shown: dict[int, int]) -> dict[int, int]:
    """Return the widths with all texts cut as far as makes sense."""
    return {
        place: min(width, max(_LEAST_TEXT, len(columns[place].heading)))
        if columns[place].text
        else width
        for place, width in shown.items()
    }


def _cut(columns: Sequence[Column], shown: dict[int, int], room: int) -> dict[int, int]:
    """Cut texts, the last first, until all fits."""
    widths, least = dict(shown), _least(columns, shown)
    for place in sorted(widths, reverse=True):
        over = _total(widths, _NARROW_GAP) - room
        widths[place] -= max(min(over, widths[place] - least[place]), 0)
    return widths
