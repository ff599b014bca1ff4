"""Learns how often guesses are right, and how long to leave a kind of guess alone that never pays.

The chance that a drafted token is right, given that all before it were, is counted by kind of guess
and by place in the draft (places in groups that double), with old counts fading. A sequence starts
from what all sequences of the model have shown so far, and those from a fixed guess; what is right
at the places before speaks for the later ones, too, or no draft would ever become longer.
"""

from __future__ import annotations

from llmd.engine.drafting.drafter import Trust

_GROUPS = 6  # places 1, 2-3, 4-7, 8-15, 16-31, 32 and beyond
_BOUNDS = [
    *((2**group - 1, 2 ** (group + 1) - 1) for group in range(_GROUPS - 1)),
    (2 ** (_GROUPS - 1) - 1, 1 << 30),
]
_FIRST_GUESS = {
    Trust.GUESS: 0.4,
    Trust.NEAR: 0.5,
    Trust.WEAK: 0.5,
    Trust.FAIR: 0.7,
    Trust.STRONG: 0.85,
    Trust.MODEL: 0.6,
}
_FADING = 0.97
_BELIEF = 3.0
"""Tries that outweigh what was believed before."""

_SHORTEST_REST, _LONGEST_REST = 8, 512
PROBE = 3
"""Tokens drafted to see whether guesses have become better."""


class Rates:
    """Shares of right guesses, from 0 to 1."""

    def __init__(self, before: Rates | None = None) -> None:
        self._before = before
        self._tries = [[0.0] * _GROUPS for _ in Trust]
        self._hits = [[0.0] * _GROUPS for _ in Trust]
        self._curves: dict[Trust, list[float]] = {}

    def learn(self, trust: Trust, drafted: int, accepted: int) -> None:
        """Count a draft of which the first `accepted` tokens were right."""
        if self._before:
            self._before.learn(trust, drafted, accepted)
        self._curves.pop(trust, None)
        tries, hits = self._tries[trust], self._hits[trust]
        for group, (start, end) in enumerate(_BOUNDS):
            tried = min(drafted, accepted + 1, end) - start
            if tried <= 0:
                return
            tries[group] = tries[group] * _FADING**tried + tried
            hits[group] = hits[group] * _FADING**tried + min(accepted, end) - start

    def curve(self, trust: Trust, length: int) -> list[float]:
        """Return for each place of a draft the chance that all of it is right up to there."""
        chances = self._curves.get(trust, [])
        if len(chances) < length:
            chances = self._curves[trust] = self._computed(trust, length)
        return chances[:length]

    def _computed(self, trust: Trust, length: int) -> list[float]:
        chances: list[float] = []
        chance = 1.0
        for (start, end), rate in zip(_BOUNDS, self._rates(trust), strict=True):
            for _ in range(start, min(end, length)):
                chance *= rate
                chances.append(chance)
        return chances

    def _rates(self, trust: Trust) -> list[float]:
        """Return the rate of each group of places."""
        before = self._before._rates(trust) if self._before else None  # noqa: SLF001  same class
        rates: list[float] = []
        expected = _FIRST_GUESS[trust]
        for group, (hits, tries) in enumerate(
            zip(self._hits[trust], self._tries[trust], strict=True)
        ):
            if before:
                expected = (expected + before[group]) / 2 if rates else before[group]
            expected = (hits + _BELIEF * expected) / (tries + _BELIEF)
            rates.append(expected)
        return rates


class Rest:
    """When a kind of guess that does not pay is tried again: after 8 occasions, 16, ... 512."""

    def __init__(self) -> None:
        self._length = _SHORTEST_REST
        self._left = _SHORTEST_REST

    def refuse(self) -> bool:
        """Count an occasion that was not taken; return whether the next one should be, to probe."""
        self._left -= 1
        if self._left > 0:
            return False
        self._length = min(2 * self._length, _LONGEST_REST)
        self._left = self._length
        return True

    def end(self) -> None:
        """It pays again."""
        self._length = self._left = _SHORTEST_REST
