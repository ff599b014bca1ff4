"""Moves prefixes out of the KV cache and back: to a shelf in memory when the cache has to give them
up, to the disk while nothing else is to do, and back when a prompt begins like one.

`look` and `store` may run in threads of their own; everything else belongs to the engine's, since
it touches the context or the tree.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmd.engine.bindings import Context, Model
from llmd.engine.cache_files import CacheFiles, Checkpoint, Snapshot, checkpoint, restore, take
from llmd.engine.kv_cache import KVCache
from llmd.engine.memory import Memory
from llmd.engine.prefix_shelf import PrefixShelf
from llmd.engine.sequence import Sequence, Space

# reading fewer tokens anew is quicker than copying them
LEAST = 128
# longer ones take so long to copy that a request may wait for it
_QUICK = 512


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was found on the disk for the prompt of a waiting sequence."""

    sequence: int
    snapshot: Snapshot | None = None
    length: int = 0
    """Tokens of the snapshot that the prompt begins with."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Where prefixes go: memory, and the disk where that is wanted."""

    shelf: PrefixShelf
    files: CacheFiles | None = None


class WarmPrefixes:
    """The prefixes of one context that are not in its KV cache, or not only there.

    Adapters may change behind their names, so only the plain model's prefixes go to the disk.
    """

    def __init__(
        self, stores: Stores, model: Model, context: Context, memory: Memory, cache: KVCache
    ) -> None:
        self._shelf, self._files = stores.shelf, stores.files
        self._model = model
        self._context = context
        self._memory = memory
        self._cache = cache
        self._saved: dict[int, int] = {}
        """Parked sequences to the tokens of them that are on the disk."""
        cache.keep = self._set_aside

    def fetch(self, sequence: Sequence, reused: int, running: list[Sequence]) -> int:
        """Bring back what memory holds of a prompt of which `reused` tokens can be reused; return
        how many can be now.
        """
        if not sequence.cache_prompt or sequence.prompt_tokens - 1 - reused < LEAST:
            return reused
        space, prompt = sequence.space, sequence.tokens[:-1]
        found = self._shelf.best(
            prompt, repr(space), beyond=reused + LEAST - 1, room=self._cache.cells - len(prompt)
        )
        if found and self._bring_back(space, *found, running):
            return found[1]
        return reused

    def promising(self, sequence: Sequence, reused: int) -> bool:
        """Whether looking at the disk may pay."""
        left = sequence.prompt_tokens - 1 - reused
        return bool(self._files) and sequence.cache_prompt and not sequence.space and left >= LEAST

    def look(self, sequence: int, tokens: list[int], reused: int) -> Recalled:
        """Read the best file for a prompt of which `reused` tokens are at hand anyway."""
        if self._files is None:
            return Recalled(sequence)
        room = self._cache.cells - len(tokens)
        found = self._files.best(tokens[:-1], beyond=reused + LEAST - 1, room=room)
        snapshot = self._files.load(found) if found else None
        if found is None or snapshot is None:
            return Recalled(sequence)
        return Recalled(sequence, snapshot, found.length)

    def bring_back(self, recalled: Recalled, running: list[Sequence]) -> bool:
        """Park what the disk had in the KV cache; False where there is no room for it."""
        snapshot = recalled.snapshot
        return snapshot is not None and self._bring_back((), snapshot, recalled.length, running)

    def put_by(self) -> bool:
        """Copy one short prefix that the next request will push out of the KV cache, so that this
        one does not wait for it; False where there is none, or no memory left for it.
        """
        free = self._shelf.limit - self._shelf.bytes
        return any(
            self._cache.tree.length(slot) <= _QUICK
            and self._worth(slot)
            and self._context.state_size(slot) <= free
            and self._copy(slot)
            for slot in self._cache.passing()
        )

    @property
    def pending(self) -> bool:
        """Whether something is not on the disk that should be."""
        return self._files is not None and (self._shelf.pending or bool(self._unsaved()))

    def next(self) -> Snapshot | None:
        """Return a snapshot to be stored, of the longest parked prefix first."""
        for slot in self._unsaved():
            if snapshot := self._take(slot):
                return snapshot
        return self._shelf.unsaved(repr(()))

    def store(self, snapshot: Snapshot) -> bool:
        """Write a snapshot to the disk; False where that was not possible."""
        return self._files is not None and self._files.save(snapshot)

    @property
    def kept(self) -> int:
        """Bytes that are kept in memory."""
        return self._shelf.bytes

    def shrink(self, size: int) -> int:
        """Give up so many bytes of what is kept in memory; return how many there were."""
        return self._shelf.shrink(size)

    def _bring_back(
        self, space: Space, snapshot: Snapshot, length: int, running: list[Sequence]
    ) -> bool:
        # it is put back whole and then cut
        if not self._cache.reserve(running, len(snapshot.tokens)):
            return False
        slot = self._cache.adopt(space, list(snapshot.tokens[:length]))
        if slot is None:
            return False
        if not restore(self._context, slot, snapshot, length):
            self._cache.discard(slot)
            return False
        points = {point.length: point.state for point in snapshot.checkpoints}
        self._memory.put_checkpoints(slot, {at: points[at] for at in points if at <= length})
        self._saved[slot] = length
        return True

    def _set_aside(self, slot: int) -> None:
        """Copy what the KV cache is about to give up."""
        if self._worth(slot):
            self._copy(slot)

    def _worth(self, slot: int) -> bool:
        """Whether a copy of a parked sequence is worth its time, and there is none."""
        tree = self._cache.tree
        return tree.tail(slot) >= LEAST and not self._shelf.covers(
            tree.tokens(slot), repr(tree.space(slot))
        )

    def _copy(self, slot: int) -> bool:
        """Put a parked sequence on the shelf; False where it cannot be saved."""
        tree = self._cache.tree
        saved = self._saved.get(slot) == tree.length(slot)
        snapshot = self._take(slot)
        if snapshot:
            self._shelf.put(snapshot, repr(tree.space(slot)), saved=saved)
        return snapshot is not None

    def _unsaved(self) -> list[int]:
        """Return the parked sequences that are not on the disk as they are."""
        tree = self._cache.tree
        self._saved = {slot: held for slot, held in self._saved.items() if slot in tree.parked}
        wanted = [
            slot
            for slot in tree.parked
            if tree.length(slot) >= LEAST
            and self._saved.get(slot) != tree.length(slot)
            and tree.space(slot) == ()
        ]
        return sorted(wanted, key=tree.length, reverse=True)

    def _take(self, slot: int) -> Snapshot | None:
        """Copy a parked sequence out of the context."""
        tokens = self._cache.tree.tokens(slot)
        self._saved[slot] = len(tokens)
        points = [Checkpoint(at, state) for at, state in self._memory.checkpoints(slot).items()]
        points += self._window(slot, len(tokens))
        return take(self._context, self._model, slot, tokens, points)

    def _window(self, slot: int, length: int) -> list[Checkpoint]:
        """Return where windowed layers can be taken up again, the end of the prompt, since an
        answer's reasoning is often left out of the next one.
        """
        end = self._cache.prompt_ends.get(slot, 0)
        spare = self._cache.spare_slot() if 0 < end < length else None
        if spare is None:
            return []
        found = checkpoint(self._context, self._model, slot, spare, end)
        return [found] if found else []
