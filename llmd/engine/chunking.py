"""How many prompt tokens a step may carry while answers are being written. Pure: told what steps
took.

Chunked prefill (Sarathi-Serve, Agrawal et al., OSDI 2024) with a chunk that follows measurements:
steps that also read a prompt may take `slowdown` times as long as those that only write. Where even
the smallest sensible chunk takes longer, steps without any follow until the average is met. What a
prompt token costs differs by machine, model, context and chunk, so it is measured as work goes on.
"""

from __future__ import annotations

_SMOOTHING = 0.3
_FIRST_GUESS = 16
_TILE = 4
"""Rows that CPU kernels compute together: 4 cost less than 3 (see drafting/budget.py)."""
_SAVED = 2.0
"""Steps whose unused time may be made use of later."""


class PrefillPace:
    """The budget of prompt tokens for a step."""

    def __init__(self, slowdown: float, largest: int) -> None:
        self._slowdown = slowdown
        self._largest = largest
        self._plain: dict[int, float] = {}
        """Seconds of a step that decodes this many tokens and reads no prompt."""
        self._token: float | None = None
        """Seconds that one more prompt token adds to a step."""
        self._debt = 0.0
        """Seconds that steps have taken beyond what they may."""

    def budget(self, decoding: int) -> int:
        """Return the prompt tokens a step may carry beside `decoding` others; 0 while earlier ones
        are made up for.
        """
        if self._debt > 0:
            return 0
        plain = self._expected(decoding)
        if plain is None or self._token is None:
            return min(_FIRST_GUESS, self._largest)
        wanted = int(((self._slowdown - 1) * plain - self._debt) / self._token)
        return max(1, min(self._largest, _whole_tiles(decoding, wanted)))

    def observe(self, decoding: int, prompt: int, seconds: float) -> None:
        """Learn what a step with this many tokens of both kinds took."""
        if not prompt:
            before = self._plain.get(decoding, seconds)
            self._plain[decoding] = before + _SMOOTHING * (seconds - before)
        plain = self._expected(decoding) if decoding else 0.0
        if plain is None:
            return
        if prompt:
            cost = max(seconds - plain, seconds / 100) / prompt
            before = cost if self._token is None else self._token
            self._token = before + _SMOOTHING * (cost - before)
        if decoding:
            extra = seconds - self._slowdown * plain
            self._debt = max(self._debt + extra, -_SAVED * (self._slowdown - 1) * plain)

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
