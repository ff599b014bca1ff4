"""How many connections share a file, and who fetches which bytes of it. Pure: the clock is passed
in.

One connection streams everything as long as more do not pay; when they do, each takes the next
stretch from the front, so that the digest can follow close behind the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmd.models.sources.transfer.spans import Span

STRETCH = 32 * 2**20
"""Bytes that a connection asks for at once when there are several."""
_WORTH = 2 * STRETCH
_FIRST_LOOK = 1.0
_PERIOD = 2.0
_REST = 30.0
_GAIN = 1.1


@dataclass(slots=True)
class Claim:
    """Bytes that one connection fetches; others may take from its end."""

    start: int
    """The next byte it waits for."""
    end: int


def next_claim(gaps: Iterable[Span], held: Iterable[Claim], *, alone: bool) -> Claim | None:
    """Return the first bytes that are missing and nobody fetches; all in a row for one `alone`."""
    taken = sorted((claim.start, claim.end) for claim in held)
    for gap_start, gap_end in gaps:
        start = gap_start
        for first, last in taken:
            if first <= start < last:
                start = last
        if start < gap_end:
            end = min((first for first, _ in taken if first > start), default=gap_end)
            end = min(end, gap_end)
            return Claim(start, end if alone else min(end, start + STRETCH))
    return None


def share(held: Iterable[Claim]) -> None:
    """Leave each connection the stretch it is in, so that others find something to do."""
    for claim in held:
        claim.end = min(claim.end, claim.start + STRETCH)


class Ramp:
    """Adds a connection while the last one made the whole quicker, and takes it back when not."""

    def __init__(self, most: int, now: float, done: int) -> None:
        self._most = most
        self._lanes = 1
        self._since, self._done = now, done
        self._look_at = now + _FIRST_LOOK
        self._rate_before = 0.0
        self._added = False

    def lanes(self, now: float, done: int, left: int) -> int:
        """Return how many connections there should be, given the bytes that are there and left."""
        if left < _WORTH:
            return self._lanes
        if now >= self._look_at:
            self._look(now, done)
        return min(self._lanes, self._most)

    def lower(self, most: int) -> None:
        """Never go beyond so many again: the server minds."""
        self._most = max(min(self._most, most), 1)
        self._lanes, self._added = min(self._lanes, self._most), False

    def _look(self, now: float, done: int) -> None:
        rate = (done - self._done) / (now - self._since)
        wait = _PERIOD
        if self._added and rate <= self._rate_before * _GAIN:
            self._lanes, self._added, wait = self._lanes - 1, False, _REST
        else:
            self._added = self._lanes < self._most
            self._lanes += self._added
        self._rate_before = rate
        self._since, self._done, self._look_at = now, done, now + wait
