"""Prefixes in plain memory: copies of what the KV cache had to give up, or holds for nobody now.

Every decode call looks at all cells in use, masked or not, so what is parked in the KV cache slows
running answers down. Copying a prefix out and back takes milliseconds; reading it again, seconds.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from itertools import count

from llmd.engine.cache_files.index import Entry, Index
from llmd.engine.cache_files.snapshot import Reach, Snapshot, packed


class PrefixShelf:
    """Snapshots of at most `limit` bytes together, the ones used longest ago given up first.

    `key` keeps apart what must not be shared, as answers with different adapters.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._index = Index()
        self._held: OrderedDict[str, Snapshot] = OrderedDict()
        self._unsaved: OrderedDict[str, None] = OrderedDict()
        self._names = count()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def put(self, snapshot: Snapshot, key: str, *, saved: bool) -> None:
        """Keep a snapshot, in place of those it can stand in for; `saved`: it is on the disk."""
        if snapshot.nbytes > self.limit:
            return
        text = packed(snapshot.tokens)
        points = tuple(point.length for point in snapshot.checkpoints)
        entry = Entry(
            str(next(self._names)), key, text, Reach(len(snapshot.tokens), snapshot.floor, points)
        )
        for other in list(self._index.prefixes(text, key)):
            if entry.reach.covers(other.reach):
                self._drop(other.name)
        self._index.add(entry)
        self._held[entry.name] = snapshot
        if not saved:
            self._unsaved[entry.name] = None
        self.bytes += snapshot.nbytes
        while self.bytes > self.limit:
            self._drop(next(iter(self._held)))

    def covers(self, tokens: list[int], key: str) -> bool:
        """Whether something is kept that all of `tokens` can be brought back from."""
        found = self._index.best(packed(tokens), key, sys.maxsize) if self._held else None
        return found is not None and found[1] == len(tokens)

    def best(
        self, tokens: list[int], key: str, *, beyond: int, room: int
    ) -> tuple[Snapshot, int] | None:
        """Return the snapshot that saves most of `tokens` if it saves more than `beyond`, and how
        many; it holds no more than `room`.
        """
        found = self._index.best(packed(tokens), key, room) if self._held else None
        if found is None or found[1] <= beyond:
            return None
        self._held.move_to_end(found[0].name)
        return self._held[found[0].name], found[1]

    def unsaved(self, key: str) -> Snapshot | None:
        """Return a snapshot that is not on the disk, and take it that it will be."""
        for name in list(self._unsaved):
            del self._unsaved[name]
            if self._index.entry(name).adapters == key:
                return self._held[name]
        return None

    def shrink(self, size: int) -> int:
        """Give up so many bytes, of what was used longest ago; return how many there were."""
        before = self.bytes
        while self._held and before - self.bytes < size:
            self._drop(next(iter(self._held)))
        return before - self.bytes

    @property
    def pending(self) -> bool:
        """Whether something is not on the disk."""
        return bool(self._unsaved)

    def _drop(self, name: str) -> None:
        self._index.discard(name)
        self._unsaved.pop(name, None)
        self.bytes -= self._held.pop(name).nbytes
