"""From bytes of tokens to text that may be shown: whole characters only, and no part of a stop
text. Pure.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


def _held(text: str, stops: Sequence[str]) -> int:
    """Length of the longest end of `text` that could still grow into a stop text."""
    longest = max((len(stop) for stop in stops), default=0) - 1
    for size in range(min(longest, len(text)), 0, -1):
        tail = text[-size:]
        if any(stop.startswith(tail) for stop in stops):
            return size
    return 0


class TextStream:
    """Takes the bytes of one token at a time and gives back the text that is safe to show.

    A character split over tokens is held back until it is whole, and so is any text that could be
    the start of a stop text. `stopped` names the stop text once one appeared whole, the one that
    ended first and of equals the longest, however the text was cut; nothing from it on is ever
    shown.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._pending = ""
        self.stopped: str | None = None

    def push(self, piece: bytes) -> str:
        """Add the bytes of one token; return what may be shown now."""
        return self._release(self._decoder.decode(piece))

    def close(self) -> str:
        """Return the rest; bytes that never became a character turn into U+FFFD."""
        if self.stopped is not None:
            return ""
        shown = self._release(self._decoder.decode(b"", final=True))
        if self.stopped is None:
            shown, self._pending = shown + self._pending, ""
        return shown

    def _release(self, text: str) -> str:
        if not self._stops:
            return text
        self._pending += text
        found = [
            (at + len(stop), at, stop)
            for stop in self._stops
            if (at := self._pending.find(stop)) >= 0
        ]
        if found:
            _, at, self.stopped = min(found)
            shown, self._pending = self._pending[:at], ""
            return shown
        keep = len(self._pending) - _held(self._pending, self._stops)
        shown, self._pending = self._pending[:keep], self._pending[keep:]
        return shown
