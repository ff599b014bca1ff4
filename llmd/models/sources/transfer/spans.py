"""Which bytes of a file are there, pure: disjoint half-open intervals in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""From the first byte up to, not with, the second."""


class Spans:
    """A set of bytes."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.total = 0
        """Bytes that are there."""
        for start, end in spans:
            self.add(start, end)

    def __iter__(self) -> Iterator[Span]:
        return iter(list(zip(self._starts, self._ends, strict=True)))

    def add(self, start: int, end: int) -> None:
        """Note that these bytes are there; what was there already stays."""
        if start >= end:
            return
        # neighbours that touch become one
        low, high = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if low < high:
            start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
        self._replace(low, high, [(start, end)])

    def remove(self, start: int, end: int) -> None:
        """Note that these bytes are not there."""
        if start >= end:
            return
        low, high = bisect_right(self._ends, start), bisect_left(self._starts, end)
        if low >= high:
            return
        kept = [(self._starts[low], start), (end, self._ends[high - 1])]
        self._replace(low, high, [(first, last) for first, last in kept if first < last])

    def clear(self) -> None:
        """Forget all."""
        self._replace(0, len(self._starts), [])

    def reach(self, start: int) -> int:
        """Return the first byte at or after `start` that is missing."""
        place = bisect_right(self._starts, start) - 1
        return self._ends[place] if place >= 0 and self._ends[place] > start else start

    def gaps(self, size: int) -> list[Span]:
        """Return what is missing of the first `size` bytes."""
        edges = [0, *(edge for span in self for edge in span), size]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return [(start, min(end, size)) for start, end in pairs if start < min(end, size)]

    def _replace(self, low: int, high: int, spans: list[Span]) -> None:
        gone = sum(self._ends[low:high]) - sum(self._starts[low:high])
        self._starts[low:high] = [start for start, _ in spans]
        self._ends[low:high] = [end for _, end in spans]
        self.total += sum(end - start for start, end in spans) - gone
