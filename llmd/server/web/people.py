"""What the pages of users and keys show of somebody's limits and use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from llmd.protocol.limits import Allowance
from llmd.protocol.usage import Used

T = TypeVar("T")

_DAY = 86_400
DAYS = 14
"""Days of a chart, today included."""
_SHOWN = 50
"""Rows of a page."""

Amount = Annotated[int, Meta(ge=0, le=10**15)]


class LimitFields(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of a form that say how much somebody may use; what is empty is as the settings say."""

    requests_per_minute: Amount | None = None
    tokens_per_minute: Amount | None = None
    tokens_per_day: Amount | None = None
    concurrent: Amount | None = None

    @property
    def allowance(self) -> Allowance:
        """Return them as limits."""
        return Allowance(**{name: getattr(self, name) for name in Allowance.__struct_fields__})


class Search(msgspec.Struct, frozen=True):
    """The query of a list."""

    words: str = ""
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class Day(msgspec.Struct, frozen=True):
    """One bar of a chart."""

    day: str
    """ISO 8601, UTC."""
    tokens: int
    answers: int
    share: float
    """Of the highest bar."""


class Chart(msgspec.Struct, frozen=True):
    """What was used day by day, oldest first."""

    days: tuple[Day, ...]
    tokens: int
    answers: int
    top: int
    """The most tokens of a day."""


class Shelf(msgspec.Struct, Generic[T], frozen=True):
    """One page of a long list."""

    rows: Sequence[T]
    page: int
    pages: int


def chart(used: Iterable[Used], now: float, days: int = DAYS) -> Chart:
    """Draw what one subject used in the days up to `now`."""
    today = int(now // _DAY)
    sums = {int(one.start // _DAY): one for one in used}
    found = [sums.get(day) for day in range(today - days + 1, today + 1)]
    top = max((one.tokens for one in found if one), default=0)
    bars = tuple(
        Day(
            day=datetime.fromtimestamp((today - days + 1 + place) * _DAY, UTC).date().isoformat(),
            tokens=one.tokens if one else 0,
            answers=one.answers if one else 0,
            share=one.tokens / top if one and top else 0.0,
        )
        for place, one in enumerate(found)
    )
    answers = sum(day.answers for day in bars)
    return Chart(bars, sum(day.tokens for day in bars), answers, top)


def charts(used: Iterable[Used], now: float) -> dict[str, Chart]:
    """Draw what each subject used, by subject."""
    groups: dict[str, list[Used]] = {}
    for one in used:
        groups.setdefault(one.subject, []).append(one)
    return {subject: chart(group, now) for subject, group in groups.items()}


def shelf(rows: Sequence[T], page: int, size: int = _SHOWN) -> Shelf[T]:
    """Return a page, the last one where there are not so many."""
    pages = max(1, -(-len(rows) // size))
    page = min(page, pages)
    return Shelf(rows[(page - 1) * size : page * size], page, pages)
