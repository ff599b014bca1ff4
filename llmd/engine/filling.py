"""How many rows that do nothing a decode call carries, because it is quicker with them. Pure: told
what steps took.

CPU kernels for quantised weights compute four rows together and what is left over one by one
(`gemm` and `gemv` of ggml's repack.cpp), so that three rows take longer than four. Whether it is so
for a model on a machine is tried out in steps that decode only, and kept an eye on; steps with many
rows are filled by what is known of the kernels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from llmd.engine.bindings import Batch
from llmd.engine.plan import Plan

TILE = 4
MOST = TILE - 1
"""Rows that are filled in at most."""
_SMALL = 16
"""Rows from which on the time of a single leftover row is lost in the noise."""
_TRIED = 3
_KEPT = 5
_CHECKED = 64
"""Steps after which the slower way is tried once more."""
_GAIN = 0.97
"""Share of the plain time that filled steps must stay below, to pay for the cells."""


def _times() -> deque[float]:
    return deque(maxlen=_KEPT)


@dataclass(slots=True)
class _Trial:
    """Seconds of the latest steps with so many rows, plain and filled."""

    plain: deque[float] = field(default_factory=_times)
    filled: deque[float] = field(default_factory=_times)
    steps: int = 0

    @property
    def pays(self) -> bool:
        if len(self.filled) < _TRIED:
            return True
        if len(self.plain) < _TRIED:
            return False
        better = median(self.filled) < _GAIN * median(self.plain)
        return better != (self.steps % _CHECKED == 0)


class Filling:
    """Decides and learns how steps are filled up; `slot` is a sequence id for that, negative where
    nothing is filled up.
    """

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self._trials: dict[int, _Trial] = {}

    def fill(self, batch: Batch, plan: Plan, count: int, free: Callable[[Plan], int]) -> int:
        """Add rows to a batch that holds `count` of them, if as many are `free`; return how many.
        Their cells are to be removed after the call.
        """
        added = self.wanted(plan.decoding, plan.reading) if self.slot >= 0 and count > 1 else 0
        if not added or added > free(plan):
            return 0
        end = batch.fill(count, [0] * added, 0, self.slot)
        # so that the output layer, too, has whole tiles
        batch.outputs[count:end] = not plan.reading
        return added

    def wanted(self, decoding: int, reading: int) -> int:
        """Return the rows to add to a step with so many decoding and reading ones: 0 to `MOST`."""
        rows = decoding + reading
        missing = -rows % TILE
        if rows == 1 or not missing:
            return 0
        if reading or rows >= _SMALL:
            # one row left over costs about what a tile of four does
            return missing if missing < MOST else 0
        return missing if self._trials.setdefault(rows, _Trial()).pays else 0

    def observe(self, plan: Plan, filled: int, seconds: float) -> None:
        """Learn what a step took that was filled with so many rows."""
        trial = self._trials.get(plan.decoding)
        if trial is None or plan.reading:
            return
        trial.steps += 1
        (trial.filled if filled else trial.plain).append(seconds)
