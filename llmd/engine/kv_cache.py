"""Who holds what of the KV cache: slots (llama.cpp sequence ids) and cells, running or parked.

Pure but for the `Memory` it is given: every decision is written down in the prefix tree and carried
out at once. Answers that end leave their tokens behind as parked prefixes; those are given up, from
their tails, when cells or slots are needed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from llmd.engine.media_span import boundary
from llmd.engine.memory import Memory
from llmd.engine.prefix_cache import Match, PrefixCache
from llmd.engine.sequence import Divergence, Sequence, Space

# a shorter beginning is read as soon as it is shared
_WORTH = 2
# tokens that are read anew sooner than a stop for a checkpoint pays
_FORK = 64
# cells freed at once, so that a growing answer does not trim a prefix token by token
_FREED = 256
# prefixes with fewer tokens of their own are short
_SHORT = 256
# cells that long parked prefixes may take beside running answers, if those take less
_PARKED = 2048
_SHOWN = 16
_BLOCK = 64
_REMEMBERED = 8192


def _nowhere(holder: int) -> None:
    """Keep no copy."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """A prompt can go on after `length` tokens that `holder` holds; -1 and 0: from nothing."""

    holder: int = -1
    length: int = 0


class KVCache:
    """All slots and cells of one context."""

    def __init__(self, cells: int, slots: int, memory: Memory) -> None:
        self.cells = cells
        self.tree = PrefixCache()
        self._memory = memory
        self._free = list(range(slots - 1, -1, -1))
        self._evicted: OrderedDict[int, None] = OrderedDict()
        """Hashes of the blocks of prefixes that were given up lately."""
        self.prompt_ends: dict[int, int] = {}
        """Parked answers to the lengths of their prompts."""
        self.keep: Callable[[int], None] = _nowhere
        """Copies a parked prefix elsewhere, before it is given up whole."""
        self._extra: dict[int, int] = {}
        """Cells of a slot beyond one for each of its tokens; pictures take them under M-RoPE."""

    def used(self, running: Iterable[Sequence]) -> int:
        """Return the cells in use; `running` are all attached sequences."""
        own = sum(s.cached - self.tree.length(s.slot) for s in running)
        return self.tree.cells + own + sum(self._extra.values())

    def spare(self, keep: frozenset[int] = frozenset()) -> int:
        """Return the cells that giving up all parked sequences but `keep` would free."""
        extra = sum(self._extra.get(holder, 0) for holder in self.tree.parked - keep)
        return self.tree.spare(keep) + extra

    def swell(self, slot: int, cells: int) -> None:
        """Note that a slot has taken more cells than tokens."""
        if cells:
            self._extra[slot] = self._extra.get(slot, 0) + cells

    def reuse(self, sequence: Sequence) -> Reuse:
        """Return the longest prefix that a sequence can go on from; its last token is always left
        to decode.
        """
        if not sequence.cache_prompt:
            return Reuse()
        best = Reuse()
        for match in self.tree.match(sequence.space, sequence.tokens[:-1]):
            for holder in match.holders:
                held = self.tree.length(holder)
                length = self._usable(sequence, holder, held, match.length)
                # a parked sequence that is used up to its end can be taken over as it is
                whole = length == held and holder in self.tree.parked
                if length > best.length or (length == best.length and whole):
                    best = Reuse(holder, length)
            if best.length >= match.length:
                break
        return best if best.length >= _WORTH else Reuse()

    def _usable(self, sequence: Sequence, holder: int, held: int, length: int) -> int:
        """Return the longest prefix that the memory can go on from and that cuts no picture."""
        while (end := self._memory.usable(holder, held, length)) != boundary(sequence.media, end):
            length = boundary(sequence.media, end)
        return end

    def attach(self, sequence: Sequence, reuse: Reuse) -> None:
        """Give a sequence a slot, with what it can reuse in it."""
        if sequence.reused is None:
            matches = self.tree.match(sequence.space, sequence.tokens[:-1])
            sequence.miss = self._divergence(sequence, reuse.length, matches)
            self._mark_fork(sequence, reuse.length, matches)
        length, holder = reuse.length, reuse.holder
        if length:
            self.tree.touch(holder, length)
        if length and holder in self.tree.parked and self.tree.length(holder) == length:
            self.tree.unpark(holder)
            sequence.slot = holder
        else:
            sequence.slot = self._take_slot(keep=holder)
            if length and self._memory.share(holder, sequence.slot, length):
                self.tree.share(holder, sequence.slot, length)
            else:
                length = 0
        sequence.cached = length
        if sequence.reused is None:
            sequence.reused = length
        self._slim(sequence.slot)

    def _mark_fork(self, sequence: Sequence, reused: int, matches: list[Match]) -> None:
        """Have a prompt stop where it leaves another one, if the memory could not go on from there:
        the next that leaves there can.
        """
        fork = matches[0].length if matches else 0
        if fork - reused >= _FORK and boundary(sequence.media, fork) == fork:
            sequence.stops.append(fork)

    def passing(self) -> list[int]:
        """Return the parked prefixes that the next request pushes out, unless it goes on from
        them.
        """
        if not self._memory.cuts:
            return []
        return [holder for holder in self.tree.parked if self.tree.tail(holder) <= _SHORT]

    def _slim(self, slot: int) -> None:
        """Give up parked prefixes that would slow down those who run now: short ones, which are
        soon read again, before they make a difference; long ones when they outweigh what runs.
        """
        if not self._memory.cuts:
            return
        keep = frozenset({slot})
        self._thin(keep, _SHORT, self._running(keep) // 16)
        self._thin(keep, self.cells, max(_PARKED, self._running(keep)))

    def _thin(self, keep: frozenset[int], most: int, allowed: int) -> None:
        """Give up parked prefixes of at most so many own cells until only `allowed` are parked."""
        while self.spare(keep) > allowed and (victim := self.tree.victim(keep, most)) is not None:
            self._drop(victim)

    def _running(self, keep: frozenset[int]) -> int:
        return self.tree.cells - self.spare(keep)

    def read(self, sequence: Sequence, *, stop: bool) -> None:
        """Note that a chunk of a prompt was read; `stop`: to where the memory wanted."""
        if sequence.cache_prompt:
            self.tree.extend(sequence.slot, sequence.space, sequence.tokens[: sequence.cached])
        if stop:
            self._memory.note(sequence.slot, sequence.cached)

    def release(self, sequence: Sequence) -> None:
        """Take the slot from a sequence; what it holds stays parked, unless it must not."""
        slot, sequence.slot = sequence.slot, -1
        cached, sequence.cached = sequence.cached, 0
        kept = False
        if sequence.cache_prompt and not sequence.shifted:
            self.tree.extend(slot, sequence.space, sequence.tokens[:cached])
            kept = self.tree.park(slot)
            self.prompt_ends[slot] = min(sequence.prompt_tokens, cached)
        else:
            self.tree.cut(slot, 0)
        if not kept:
            self._memory.trim(slot, 0)
            self._extra.pop(slot, None)
            self._free.append(slot)

    def leave_tree(self, sequence: Sequence) -> int:
        """Stop offering what a sequence holds, before its context is shifted; return how many
        tokens, from its beginning, are in cells that others refer to.
        """
        shared = self.tree.length(sequence.slot) - self.tree.tail(sequence.slot)
        self.tree.cut(sequence.slot, 0)
        return shared

    def restart(self, sequence: Sequence) -> None:
        """Give up all that a sequence holds, but not its slot."""
        self.tree.cut(sequence.slot, 0)
        self._memory.trim(sequence.slot, 0)
        self._extra.pop(sequence.slot, None)
        sequence.cached = 0

    def reserve(self, running: Iterable[Sequence], cells: int) -> bool:
        """Free parked prefixes until so many cells are free; False when there are not enough."""
        running = list(running)
        # cells of the tree count twice here: in nearly every step that is enough to know
        if (
            not self._extra
            and self.tree.cells + sum(s.cached for s in running) + cells <= self.cells
        ):
            return True
        missing = self.used(running) + cells - self.cells
        while missing > 0:
            victim = self.tree.victim()
            if victim is None:
                return False
            missing -= self._give_up(victim, missing)
        return True

    def forget(self) -> None:
        """Give up all parked prefixes."""
        for holder in self.tree.parked:
            self._drop(holder)

    def adopt(self, space: Space, tokens: list[int]) -> int | None:
        """Return a slot, parked, for a prefix that comes from elsewhere; None where none is free.

        The caller fills it, or gives it back with `discard`.
        """
        slot = self._take_slot(keep=-1)
        self.tree.extend(slot, space, tokens)
        if self.tree.park(slot):
            return slot
        self._free.append(slot)
        return None

    def discard(self, holder: int) -> None:
        """Give up one parked prefix for good."""
        self._drop(holder, keep=False)

    def spare_slot(self) -> int | None:
        """Return a slot that holds nothing, for a moment's use; None where all do."""
        return self._free[-1] if self._free else None

    def _take_slot(self, keep: int) -> int:
        while not self._free:
            holder = self.tree.redundant()
            if holder is None or holder == keep:
                holder = self.tree.victim(frozenset({keep}))
            if holder is None:
                raise AssertionError("more sequences run than there are slots")
            self._drop(holder)
        return self._free.pop()

    def _give_up(self, holder: int, missing: int) -> int:
        """Free cells of one parked prefix; return how many."""
        held, tail = self.tree.length(holder), self.tree.tail(holder)
        wanted = max(missing, _FREED)
        left = self._memory.usable(holder, held, max(0, held - wanted))
        if not self._memory.cuts or not left or tail <= held - left:
            self._drop(holder)
            return tail
        self._remember(self.tree.tokens(holder), left)
        self.tree.cut(holder, left)
        self._memory.trim(holder, left)
        return held - left

    def _drop(self, holder: int, *, keep: bool = True) -> None:
        if keep:
            self.keep(holder)
        self._remember(self.tree.tokens(holder), 0)
        self.tree.cut(holder, 0)
        self._memory.trim(holder, 0)
        self.prompt_ends.pop(holder, None)
        self._extra.pop(holder, None)
        self._free.append(holder)

    def _remember(self, tokens: list[int], kept: int) -> None:
        for end, block in _blocks(tokens):
            if end > kept:
                self._evicted[block] = None
        while len(self._evicted) > _REMEMBERED:
            self._evicted.popitem(last=False)

    def _divergence(
        self, sequence: Sequence, reused: int, matches: list[Match]
    ) -> Divergence | None:
        """Find out why no more of a prompt was held than `reused` tokens."""
        prompt = sequence.tokens
        if self._evicted:
            gone = max((end for end, block in _blocks(prompt) if block in self._evicted), default=0)
            if gone > reused + _BLOCK:
                return Divergence(reused, [], evicted=gone - reused)
        length = matches[0].length if matches else 0
        holders = matches[0].holders if matches else self.tree.holders(sequence.space)
        longest = max(holders, key=self.tree.length, default=None)
        if longest is None:
            return Divergence(0, [], cold=True)
        other = self.tree.tokens(longest)[length : length + _SHOWN]
        return Divergence(length, other) if other and length < len(prompt) - 1 else None


def _blocks(tokens: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (end, hash of all tokens up to there) for every whole block."""
    before = 0
    for end in range(_BLOCK, len(tokens) + 1, _BLOCK):
        before = hash((before, *tokens[end - _BLOCK : end]))
        yield end, before
