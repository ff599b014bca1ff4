"""How many prompt tokens a step may carry while answers are being written. Pure: told what steps
took.

Chunked prefill (Sarathi-Serve, Agrawal et al., OSDI 2024) with a chunk that follows measurements:
on the average, steps may take `slowdown` times as long as those that only write. What a prompt
token costs differs by machine, model, chunk and by how much of the prompt lies before it, so it is
measured as work goes on.

There are two ways to keep to that average. A few tokens in every step keep each step short; where
even the smallest sensible chunk takes too long, steps without any follow. A block of 64 rows now
and then makes answers pause, but CPU kernels read it in much less time: their attention computes
fewer rows one by one (`GGML_FA_TILE_Q` in ggml's common.h), so deep in a long prompt a few tokens
take several times as long as their share of a block. Both ways are tried at every depth, and the
one that reads more in the same time is taken, as long as no answer pauses for long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_SMOOTHING = 0.3
_FIRST_GUESS = 16
_TILE = 4
"""Rows that CPU kernels compute together: 4 cost less than 3 (see drafting/budget.py)."""
_BLOCK = 64
"""Rows from which on their attention computes tiles."""
_PAUSE = 0.5
"""Seconds that a step with a block may take, as far as earlier ones tell."""
_WORTH = 0.85
"""Share of the time of a few tokens that those of a block must stay below, to be worth pauses."""
_DEPTHS = 1024
"""Tokens before a chunk, within which costs are taken for the same."""
_CHECKED = 64
"""Steps after which the other way is tried once more."""
_MARGIN = 0.65
"""Share of the slowdown that is made use of: even steps that read nothing take about a tenth longer
while the KV cache holds the prompt's tokens, too, and "at most" leaves no room for noise.
"""
_SAVED = 2.0
"""Steps whose unused time may be made use of later."""


@dataclass(slots=True)
class _Costs:
    """Seconds that one more prompt token adds to a step, at one depth."""

    few: float | None = None
    block: float | None = None
    steps: int = 0

    @property
    def share(self) -> float:
        """What a token of a block costs of one of a few; both must be known."""
        return (self.block or 0.0) / (self.few or math.inf)

    def learn(self, cost: float, *, block: bool) -> None:
        before = self.block if block else self.few
        after = cost if before is None else before + _SMOOTHING * (cost - before)
        self.steps += 1
        if block:
            self.block = after
        else:
            self.few = after


class PrefillPace:
    """The budget of prompt tokens for a step."""

    def __init__(self, slowdown: float, largest: int) -> None:
        self._slowdown = 1 + _MARGIN * (slowdown - 1)
        self._largest = largest
        self._plain: dict[int, float] = {}
        """Seconds of a step that decodes this many tokens and reads no prompt."""
        self._costs: dict[int, _Costs] = {}
        """By multiples of `_DEPTHS`."""
        self._debt = 0.0
        """Seconds that steps have taken beyond what they may."""

    def budget(self, decoding: int, depth: int = 0) -> int:
        """Return the prompt tokens a step may carry beside `decoding` others, read after `depth`
        earlier ones; 0 while steps before are made up for.
        """
        if self._debt > 0:
            return 0
        plain = self._expected(decoding)
        known = self._known(depth)
        cost = known.few or known.block
        if plain is None or cost is None:
            return min(_FIRST_GUESS, self._largest)
        wanted = int(((self._slowdown - 1) * plain - self._debt) / cost)
        few = max(1, min(self._largest, _whole_tiles(decoding, wanted)))
        block = _BLOCK - decoding
        if few < block <= self._largest and self._pays(depth, block):
            return block
        return few

    def observe(self, decoding: int, prompt: int, seconds: float, depth: int = 0) -> None:
        """Learn what a step took with this many tokens of both kinds, the prompt's after `depth`
        earlier ones.
        """
        if not prompt:
            before = self._plain.get(decoding, seconds)
            self._plain[decoding] = before + _SMOOTHING * (seconds - before)
        plain = self._expected(decoding) if decoding else 0.0
        if plain is None:
            return
        if prompt:
            cost = max(seconds - plain, seconds / 100) / prompt
            costs = self._costs.setdefault(depth // _DEPTHS, _Costs())
            costs.learn(cost, block=decoding + prompt >= _BLOCK)
        if decoding:
            extra = seconds - self._slowdown * plain
            self._debt = max(self._debt + extra, -_SAVED * (self._slowdown - 1) * plain)

    def _known(self, depth: int) -> _Costs:
        """Return the costs at a depth, or at the nearest where there are any."""
        return self._nearest(depth, list(self._costs)) or _Costs()

    def _nearest(self, depth: int, known: list[int]) -> _Costs | None:
        if not known:
            return None
        return self._costs[min(known, key=lambda place: abs(place - depth // _DEPTHS))]

    def _pays(self, depth: int, block: int) -> bool:
        """Whether to read a block of so many tokens rather than a few."""
        here = self._costs.get(depth // _DEPTHS)
        if here is None or here.few is None:
            return False  # a few are tried first
        if self._block_cost(here, depth) * block > _PAUSE:
            return False
        if here.block is None:
            return True
        better = here.block < _WORTH * here.few
        return better != (here.steps % _CHECKED == 0)

    def _block_cost(self, here: _Costs, depth: int) -> float:
        """Return the cost of a block's tokens, as far as other depths tell if none was read."""
        few = here.few or 0.0
        if here.block is not None:
            return here.block
        both = [place for place, costs in self._costs.items() if costs.few and costs.block]
        other = self._nearest(depth, both)
        return few * other.share if other else few

    def _expected(self, decoding: int) -> float | None:
        """Return the seconds of a plain step, from the nearest one that was measured."""
        if not self._plain:
            return None
        if decoding in self._plain:
            return self._plain[decoding]
        nearest = min(self._plain, key=lambda known: abs(known - decoding))
        return self._plain[nearest]


def _whole_tiles(decoding: int, prompt: int) -> int:
    """Return about as many prompt tokens, so that the rows of a step fill whole tiles."""
    whole = (decoding + prompt) // _TILE * _TILE - decoding
    return whole if whole > 0 else whole + _TILE
