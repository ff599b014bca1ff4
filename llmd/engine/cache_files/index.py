"""Finds the stored text that shares most with a prompt. Pure.

Texts are byte strings in sorted order. The one with the longest common prefix is a neighbour of
where the prompt would stand, and what is shared only shrinks from there outwards: so no tree is
needed, a search costs two comparisons of whole texts, and a hundred thousand tokens are nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from llmd.engine.cache_files.snapshot import TOKEN_BYTES, Reach


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored text under its file's name."""

    name: str
    adapters: str
    text: bytes
    """Its tokens, packed."""
    reach: Reach


@dataclass(slots=True)
class _Shelf:
    """The texts made with the same adapters, in order."""

    texts: list[bytes] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class Index:
    """The stored texts."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._by_name: dict[str, Entry] = {}
        self.tokens = 0
        """Of all texts together: what they cost in memory."""

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all files."""
        return frozenset(self._by_name)

    def entry(self, name: str) -> Entry:
        """Return a known text."""
        return self._by_name[name]

    def add(self, entry: Entry) -> None:
        """Take in a text, in place of one of the same name."""
        self.discard(entry.name)
        shelf = self._shelves.setdefault(entry.adapters, _Shelf())
        at = bisect_left(shelf.texts, entry.text)
        shelf.texts.insert(at, entry.text)
        shelf.entries.insert(at, entry)
        self._by_name[entry.name] = entry
        self.tokens += entry.reach.length

    def discard(self, name: str) -> None:
        """Forget a text, if it is known."""
        entry = self._by_name.pop(name, None)
        if entry is None:
            return
        shelf = self._shelves[entry.adapters]
        at = bisect_left(shelf.texts, entry.text)
        while shelf.entries[at] is not entry:
            at += 1
        del shelf.texts[at], shelf.entries[at]
        self.tokens -= entry.reach.length

    def best(self, text: bytes, adapters: str, room: int) -> tuple[Entry, int] | None:
        """Return the entry of most use to a text, of at most `room` tokens, and how many of the
        text's tokens it saves; None if none does. Of equals it is the shortest.
        """
        shelf = self._shelves.get(adapters, _Shelf())
        at = bisect_left(shelf.texts, text)
        best: tuple[Entry, int] | None = None
        for side in (range(at, len(shelf.texts)), range(at - 1, -1, -1)):
            for i in side:
                common = shared(text, shelf.texts[i])
                if common < (best[1] if best else 1):
                    break
                found = (shelf.entries[i], shelf.entries[i].reach.best(common))
                if found[0].reach.length <= room and _value(found) > _value(best):
                    best = found
        return best

    def prefixes(self, text: bytes, adapters: str) -> Iterator[Entry]:
        """Yield the entries whose whole text a text begins with, the longest first."""
        shelf = self._shelves.get(adapters, _Shelf())
        while text:
            at = bisect_right(shelf.texts, text) - 1
            if at < 0:
                return
            common = shared(text, shelf.texts[at]) * TOKEN_BYTES
            # no text lies between, so none that shares more is a prefix
            if common == len(shelf.texts[at]):
                first = bisect_left(shelf.texts, shelf.texts[at])
                yield from shelf.entries[first : at + 1]
                common -= TOKEN_BYTES
            text = text[:common]

    def extensions(self, text: bytes, adapters: str) -> Iterator[Entry]:
        """Yield the entries that begin with a text."""
        shelf = self._shelves.get(adapters, _Shelf())
        for at in range(bisect_left(shelf.texts, text), len(shelf.texts)):
            if not shelf.texts[at].startswith(text):
                return
            yield shelf.entries[at]


def _value(found: tuple[Entry, int] | None) -> tuple[int, int]:
    return (found[1], -found[0].reach.length) if found else (0, 0)


def shared(first: bytes, second: bytes) -> int:
    """Return how many tokens two packed texts begin with alike."""
    size = min(len(first), len(second))
    if first[:size] == second[:size]:
        return size // TOKEN_BYTES
    one, two = (np.frombuffer(text[:size], np.int64) for text in (first, second))
    return int(np.argmax(one != two))
