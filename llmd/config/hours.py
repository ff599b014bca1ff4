"""Times of day, such as `"22:00-07:00"` or `"12:00-13:30, 22:00-07:00"`: the clock is passed in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Self

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY = 24 * 60


class Hours(str):
    """When something is allowed, in local time; empty: always. A span may pass midnight."""

    ALLOWED = 'times of day such as "22:00-07:00", several with commas between, or nothing'
    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a text; raise ValueError on anything else."""
        if not isinstance(value, str) or any(span is None for span in map(_minutes, _parts(value))):
            raise ValueError(f"expected {cls.ALLOWED}")
        return cls(value.strip())

    def contain(self, moment: datetime) -> bool:
        """Whether it is allowed at a moment of local time."""
        return not self or self.closing(moment) is not None

    def closing(self, moment: datetime) -> datetime | None:
        """Return when what is allowed now ends; None: it is not allowed, or has no end."""
        now = moment.hour * 60 + moment.minute
        ends = []
        for start, end in self._spans():
            length = (end - start) % _DAY or _DAY
            since = (now - start) % _DAY
            if since < length:
                ends.append(_later(moment, length - since))
        return max(ends, default=None)

    def opening(self, moment: datetime) -> datetime:
        """Return when it is allowed next, for a moment at which it is not."""
        now = moment.hour * 60 + moment.minute
        return _later(moment, min((start - now) % _DAY for start, _ in self._spans()))

    def _spans(self) -> list[tuple[int, int]]:
        return [span for span in map(_minutes, _parts(self)) if span is not None]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _minutes(text: str) -> tuple[int, int] | None:
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    start, end = (int(match[place]) * 60 + int(match[place + 1]) for place in (1, 3))
    fine = max(int(match[2]), int(match[4])) < 60 and max(start, end) <= _DAY  # noqa: PLR2004  minutes of an hour
    return (start % _DAY, end % _DAY) if fine else None


def _later(moment: datetime, minutes: int) -> datetime:
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
