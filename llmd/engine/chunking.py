"""How many prompt tokens a step may carry while answers are being written. Pure: told what steps
took.

Chunked prefill (Sarathi-Serve, Agrawal et al., OSDI 2024) with a chunk that follows measurements: a
step that also reads a prompt may take `slowdown` times as long as one that only writes. The cost of
a prompt token differs by machine, model, context and chunk, so it is measured as work goes on.
"""

from __future__ import annotations

_SMOOTHING = 0.3
_FIRST_GUESS = 16


class PrefillPace:
    """The budget of prompt tokens for a step."""

    def __init__(self, slowdown: float, largest: int) -> None:
        self._slowdown = slowdown
        self._largest = largest
        self._plain: dict[int, float] = {}
        """Seconds of a step that decodes this many tokens and reads no prompt."""
        self._token: float | None = None
        """Seconds that one more prompt token adds to a step."""

    def budget(self, decoding: int) -> int:
        """Return the prompt tokens a step may carry beside `decoding` others; at least 1."""
        plain = self._expected(decoding)
        if plain is None or self._token is None:
            return min(_FIRST_GUESS, self._largest)
        return max(1, min(self._largest, int((self._slowdown - 1) * plain / self._token)))

    def observe(self, decoding: int, prompt: int, seconds: float) -> None:
        """Learn what a step with this many tokens of both kinds took."""
        if not prompt:
            before = self._plain.get(decoding, seconds)
            self._plain[decoding] = before + _SMOOTHING * (seconds - before)
            return
        plain = self._expected(decoding) if decoding else 0.0
        if plain is None:
            return
        cost = max(seconds - plain, seconds / 100) / prompt
        before = cost if self._token is None else self._token
        self._token = before + _SMOOTHING * (cost - before)

    def _expected(self, decoding: int) -> float | None:
        """Return the seconds of a plain step, from the nearest one that was measured."""
        if not self._plain:
            return None
        nearest = min(self._plain, key=lambda known: abs(known - decoding))
        return self._plain[nearest]
