"""How many prompt tokens a decode call reads where calls of the usual length take very long. Pure:
told what calls took.

Between two calls a worker can neither cancel, nor admit, nor show that it advances, so a call takes
about ten seconds at most where shorter ones read as much in the same time. Not all do: where a call
reads the weights from the disk, or sends them to a GPU, it takes as long for fewer tokens.
"""

from __future__ import annotations

import sys

_LONGEST = 10.0
"""Seconds."""
_LEAST = 64
"""Tokens: fewer make poor use of any machine."""
_LOSS = 1.5
"""How much longer a token may take in a shorter call."""


class PrefillCap:
    """The most prompt tokens of a call; nothing is cut before a call of the `usual` length has
    shown what one takes.
    """

    def __init__(self, usual: int) -> None:
        self._usual = usual
        self._whole: float | None = None
        """Seconds for each token of the latest call that had the usual length."""
        self._cut: float | None = None
        """The same of the latest call that was cut."""

    def within(self, tokens: int) -> int:
        """Return how many of so many prompt tokens the next call reads."""
        return min(tokens, self._most)

    def observe(self, tokens: int, seconds: float) -> None:
        """Learn what a call took that read prompts alone."""
        if tokens == self._most:
            self._cut = seconds / tokens
        elif tokens >= self._usual:
            self._whole = seconds / tokens

    @property
    def _most(self) -> int:
        if self._whole is None:
            return sys.maxsize
        cut = self._whole if self._cut is None else self._cut
        if cut > _LOSS * self._whole:
            return sys.maxsize
        tokens = int(_LONGEST / min(self._whole, cut))
        return max(_LEAST, tokens // _LEAST * _LEAST)
