"""Finds the place in an answer where a grammar begins: behind the end of reasoning, or behind the
text that triggers a call.
"""

from __future__ import annotations

from collections.abc import Iterable


class TextGate:
    """Opens behind the first of some texts; used up once it has opened."""

    def __init__(self, texts: Iterable[str], before: str = "") -> None:
        """Wait for any of `texts`, which may begin in the text that stands `before`."""
        self._texts = [text.encode() for text in texts if text]
        self._kept = max(map(len, self._texts), default=1) - 1
        self._tail = before.encode()
        self.found = b""
        """The text that opened it."""

    def push(self, piece: bytes) -> bytes | None:
        """Take the bytes of one more token, control tokens as their text. None: still closed; else
        open, and these last bytes of the piece lie behind the text.
        """
        seen = self._tail + piece
        ends = [(at + len(text), text) for text in self._texts if (at := seen.find(text)) >= 0]
        if ends:
            end, self.found = min(ends)
            return seen[end:]
        self._tail = seen[-self._kept :] if self._kept else b""
        return None
