"""Decides how many drafted rows the next decode call carries, and whose.

Rows cost time, and how much is measured, for each number of rows by itself: kernels work in tiles,
so that 4 rows may cost less than 3 (24 blocks, Q4_0, two cores: 1 row 9 ms, 3 rows 21, 4 rows 14,
16 rows 40). Each step takes the number of drafted rows that promises the most tokens per second of
all sequences together; with many sequences in the batch, or a processor that computes one row after
the other, that number is none. Numbers never tried look cheap, and those tried once cheaper than
they were, since the first call of a size takes longer (buffers, graphs): so each is tried twice
where it may pay. What was measured long ago looks a little cheaper with time, so that a hiccup is
not believed for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_EXACT = 96
"""Row counts beyond this are prompts; their cost is taken to be even."""
_TILE = 4
_TILED = 0.8
"""What a whole number of tiles never tried may cost, as a share of what its neighbours suggest."""
_UNKNOWN_ROW = 0.02
"""What a row more than any measured is first taken to cost, as a share."""
_RAGGED = 1.1
"""What rows that fill no whole tiles are first taken to cost of those that do."""
_FIRST = 0.8
"""What a number of rows is hoped to cost of what its first call took."""
_QUICKER, _SLOWER = 0.5, 0.15
"""How readily a measurement below, or above, what was known is believed."""
_SPIKE = 1.5
"""Measurements this many times what was known count as no more."""
_FORGET_EVERY, _FORGET = 256, 0.95

_GAIN = 1.1
"""A draft must promise this much more than none, since promises and measurements are rough."""
_INSTANT = 1e-9
_PATIENCE = 1.5
"""A sequence without a draft is slowed down no more than this by those of others."""


class StepCost:
    """Seconds that a decode call takes, by the rows it carries."""

    def __init__(self) -> None:
        self._known: dict[int, float] = {}
        self._once: set[int] = set()
        """Row counts that a single call had."""
        self._seen: dict[int, int] = {}
        self._steps = 0
        self._per_row = 0.0
        self._table = [0.0] * (_EXACT + 1)
        """An estimate for each row count, 0 where there is none."""

    def observe(self, rows: int, seconds: float) -> None:
        """Take one measurement."""
        self._steps += 1
        if rows > _EXACT:
            self._per_row = _blend(self._per_row, seconds / rows)
            return
        self._learn(rows, seconds)
        self._seen[rows] = self._steps
        if self._steps % _FORGET_EVERY == 0:
            self._forget()
        self._fill(rows)

    def estimate(self, rows: int) -> float:
        """Return the seconds a call with so many rows may take; 0 while no call with fewer was
        seen.
        """
        if rows > _EXACT:
            return rows * self._per_row or self._table[_EXACT]
        return self._table[rows]

    def _learn(self, rows: int, seconds: float) -> None:
        if rows not in self._known:
            self._known[rows] = seconds
            self._once.add(rows)
        elif rows in self._once:
            self._known[rows] = min(self._known[rows], seconds)
            self._once.discard(rows)
        else:
            self._known[rows] = _blend(self._known[rows], seconds)

    def _forget(self) -> None:
        for rows, step in self._seen.items():
            if self._steps - step > _FORGET_EVERY:
                self._known[rows] *= _FORGET
                self._fill(rows)

    def _fill(self, rows: int) -> None:
        """Estimate anew what depends on a row count that was measured: all up to its neighbours."""
        table, known = self._table, self._known
        below = next((count for count in range(rows - 1, 0, -1) if count in known), 0)
        above = next((count for count in range(rows + 1, _EXACT + 1) if count in known), 0)
        table[rows] = known[rows] * (_FIRST if below and rows in self._once else 1)
        for count in range(below + 1, rows) if below else ():
            table[count] = self._between(below, count, rows)
        for count in range(rows + 1, above or _EXACT + 1):
            table[count] = self._between(rows, count, above) if above else self._beyond(rows, count)

    def _beyond(self, largest: int, rows: int) -> float:
        """What more rows than any measured may cost."""
        even = self._known[largest] * (1 + _UNKNOWN_ROW * (rows - largest))
        return even * _RAGGED if rows % _TILE else even

    def _between(self, below: int, rows: int, above: int) -> float:
        low, high = self._known[below], self._known[above]
        straight = low + (high - low) * (rows - below) / (above - below)
        return straight if rows % _TILE else _TILED * straight


def _blend(known: float, seconds: float) -> float:
    if not known:
        return seconds
    if seconds < known:
        return known + (seconds - known) * _QUICKER
    return known + (min(seconds, _SPIKE * known) - known) * _SLOWER


@dataclass(frozen=True, slots=True)
class Wish:
    """What one sequence's draft promises: `chances` as `Rates.curve` gives them, and the seconds
    that each drafted token still costs to make.
    """

    chances: list[float]
    price: float = 0.0


class Budget:
    """Drafted rows of one model's steps, at most `most` in each."""

    def __init__(self, most: int) -> None:
        self.cost = StepCost()
        self.most = most

    def opens(self, sequences: int, rows: int, longest: int) -> bool:
        """Whether right guesses would pay: `sequences` decode, in a call that has `rows` anyway."""
        estimate = self.cost.estimate
        least = _GAIN * sequences / max(estimate(rows), _INSTANT)
        return any(
            sequences + number > least * estimate(rows + number)
            for number in range(1, min(longest, self.most) + 1)
        )

    def allot(self, wishes: Sequence[Wish], sequences: int, rows: int) -> list[int]:
        """Return how many tokens of each draft the next call should carry.

        `sequences` of them decode, drafting or not; the call has `rows` anyway.
        """
        order = sorted(
            ((chance, index) for index, wish in enumerate(wishes) for chance in wish.chances),
            key=lambda entry: -entry[0],
        )[: self.most]
        estimate = self.cost.estimate
        plain = estimate(rows)
        lengths = [0] * len(wishes)
        if not plain:  # to be measured first
            return lengths
        slowest = plain * (_PATIENCE if sequences > len(wishes) else float("inf"))
        best, count = _GAIN * sequences / plain, 0
        gain, price = float(sequences), 0.0
        for number, (chance, index) in enumerate(order, 1):
            gain += chance
            price += wishes[index].price
            seconds = estimate(rows + number) + price
            if seconds <= slowest and gain / seconds > best:
                best, count = gain / seconds, number
        for _, index in order[:count]:
            lengths[index] += 1
        return lengths
