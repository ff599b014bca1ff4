"""Encoded pictures and sounds by content, so that the one in every turn of a conversation is
encoded once.

Bounded twice: what the cache itself keeps, least recently used first out, and what requests still
hold of what it has given up, for which the next request waits.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass

from llmd.engine.bindings import Bitmap, Floats, Patch


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Encoded:
    """A picture (width and height in pixels) or a sound (width in samples, height 0) by its
    embeddings, shape (cells, width of the model) for each of its patches.
    """

    digest: bytes
    width: int
    height: int
    embeddings: tuple[Floats, ...]
    pieces: tuple[list[int] | Patch, ...] = ()
    """Of a sound: its text tokens and patches, which would take long to find again."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(array.nbytes for array in self.embeddings)

    def hollow(self) -> Bitmap:
        """Return what stands for a picture where only sizes matter."""
        return Bitmap.picture(self.width, self.height)


class EmbeddingCache:
    """What was encoded lately, `limit` bytes of it; one thread looks up, any may let go."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[bytes, Encoded] = OrderedDict()
        self._changed = threading.Condition()
        self._alive = 0
        self.kept = 0
        """Bytes that the cache keeps."""

    @property
    def held(self) -> int:
        """Bytes that requests hold and the cache does not."""
        return self._alive - self.kept

    def get(self, digest: bytes) -> Encoded | None:
        """Return what was encoded from this content, if it is still known."""
        with self._changed:
            found = self._entries.get(digest)
            if found:
                self._entries.move_to_end(digest)
            return found

    def put(self, encoded: Encoded) -> None:
        """Keep one more, giving up older ones."""
        with self._changed:
            self._alive += encoded.size
            weakref.finalize(encoded, self._gone, encoded.size)
            replaced = self._entries.pop(encoded.digest, None)
            self._entries[encoded.digest] = encoded
            self.kept += encoded.size - (replaced.size if replaced else 0)
            while self.kept > self._limit:
                self.kept -= self._entries.popitem(last=False)[1].size
            self._changed.notify_all()

    def shrink(self, size: int) -> int:
        """Give up so many bytes, of what was used longest ago; return how many there were."""
        with self._changed:
            before = self.kept
            while self._entries and before - self.kept < size:
                self.kept -= self._entries.popitem(last=False)[1].size
            return before - self.kept

    def settled(self, seconds: float) -> bool:
        """Wait, so long at most, until requests hold no more than the limit; False if they do."""
        with self._changed:
            return self._changed.wait_for(lambda: self.held <= self._limit, seconds)

    def _gone(self, size: int) -> None:
        with self._changed:
            self._alive -= size
            self._changed.notify_all()
