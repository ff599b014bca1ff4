"""The few tokens of a row of logits that sampling needs to look at, found without sorting the row.

Exact up to float32 rounding. Rows are cut into strided blocks, because NumPy reduces those an order
of magnitude faster than it sorts: the k-th largest of the blocks' maxima is a bound that at least k
logits reach, and the blocks' sums lead a draw to its block.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from llmd.engine.bindings import Floats

Ids = npt.NDArray[np.int64]

_HEIGHT = 64
_FIRST_MARGIN = 4.0
_WIDER = 1.8
_WIDEST = 30.0


def _blocks(row: Floats) -> Floats:
    """Return a view of the row, shape (_HEIGHT, blocks), without what is left over at its end."""
    whole = len(row) // _HEIGHT * _HEIGHT
    return row[:whole].reshape(_HEIGHT, -1)


def _rest(row: Floats) -> Floats:
    return row[len(row) // _HEIGHT * _HEIGHT :]


def best(row: Floats, count: int) -> Ids:
    """Return the ids of the `count` largest logits, and perhaps of some more; never of -inf."""
    if count >= len(row) // _HEIGHT:
        return np.flatnonzero(row > -np.inf)
    maxima = np.concatenate((_blocks(row).max(axis=0), _rest(row)))
    bound = np.partition(maxima, -count)[-count]
    return np.flatnonzero(row >= max(bound, np.finfo(np.float32).min))


class Probabilities:
    """The softmax of rows, one after the other, in a buffer of their size."""

    def __init__(self, size: int) -> None:
        self._values = np.empty(size, np.float32)
        self._margin = _FIRST_MARGIN

    def nucleus(self, row: Floats, top_p: float) -> Ids:
        """Return the likeliest tokens that together reach `top_p`, the likeliest first (Holtzman et
        al., "The Curious Case of Neural Text Degeneration", ICLR 2020).
        """
        top = float(row.max())
        total = self._exponentials(row, top, 1.0).sum(dtype=np.float64)
        total += _rest(self._values).sum(dtype=np.float64)
        while True:
            ids = np.flatnonzero(row >= top - self._margin)
            chances = self._values[ids]
            if self._margin >= _WIDEST or chances.sum(dtype=np.float64) >= top_p * total:
                break
            self._margin *= _WIDER
        order = np.argsort(-chances, kind="stable")
        reached = np.cumsum(chances[order], dtype=np.float64)
        count = int(np.searchsorted(reached, top_p * total)) + 1
        # the next row is likely to be about as wide
        self._margin = (
            max(_FIRST_MARGIN, self._margin / _WIDER) if count < len(ids) / 2 else self._margin
        )
        return ids[order[:count]]

    def draw(self, row: Floats, temperature: float, fraction: float) -> int:
        """Return the token at this fraction (0 to 1) of the cumulated probabilities."""
        sums = self._exponentials(row, float(row.max()), temperature)
        rest = _rest(self._values)
        cumulated = np.cumsum(np.append(sums, rest), dtype=np.float64)
        at = int(np.searchsorted(cumulated, fraction * cumulated[-1], side="right"))
        at = min(at, len(cumulated) - 1)
        if at >= len(sums):
            return len(row) - len(rest) + at - len(sums)
        before = cumulated[at - 1] if at else 0.0
        column = np.cumsum(_blocks(self._values)[:, at], dtype=np.float64)
        inside = int(np.searchsorted(column, fraction * cumulated[-1] - before, side="right"))
        inside = min(inside, int(np.flatnonzero(_blocks(self._values)[:, at])[-1]))
        return inside * len(sums) + at

    def _exponentials(self, row: Floats, top: float, temperature: float) -> Floats:
        """Fill the buffer; return the sums of the blocks."""
        np.subtract(row, top, out=self._values)
        if temperature != 1.0:
            self._values *= 1.0 / temperature
        np.exp(self._values, out=self._values)
        sums: Floats = _blocks(self._values).sum(axis=0)
        return sums
