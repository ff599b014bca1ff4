"""A KV cache that remembers which token every cell was computed from, so that tests can see whether
a sequence reads what it should.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmd.engine.plan import Plan


@dataclass
class FakeKV:
    """Keeps the contract of `llmd.engine.memory.Memory`; `cuts` False behaves like a recurrent
    model with a checkpoint every `every` tokens.
    """

    size: int
    cuts: bool = True
    every: int = 16
    held: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Sequence id to its cells: (cell, token)."""
    checkpoints: dict[int, set[int]] = field(default_factory=dict)
    shares: int = 0

    def __post_init__(self) -> None:
        self._cells = count()

    @property
    def used(self) -> int:
        return len({cell for cells in self.held.values() for cell, _ in cells})

    def tokens(self, holder: int) -> list[int]:
        return [token for _, token in self.held.get(holder, [])]

    def usable(self, holder: int, held: int, length: int) -> int:
        assert held <= len(self.held.get(holder, [])), "the tree claims more than there is"
        if self.cuts:
            return min(held, length)
        if len(self.held[holder]) <= length:
            return len(self.held[holder])
        return max((at for at in self.checkpoints.get(holder, ()) if at <= length), default=0)

    def share(self, source: int, target: int, length: int) -> bool:
        assert not self.held.get(target), "only empty sequences share"
        assert self.usable(source, length, length) >= length or self.cuts
        self.shares += 1
        self.held[target] = self.held[source][:length]
        self.checkpoints[target] = {at for at in self.checkpoints.get(source, ()) if at <= length}
        return True

    def trim(self, holder: int, length: int) -> None:
        assert self.cuts or not length
        self.held[holder] = self.held.get(holder, [])[:length]
        if not length:
            del self.held[holder]
            self.checkpoints.pop(holder, None)

    def chunk_end(self, start: int, end: int) -> int:
        return end if self.cuts else min((start // self.every + 1) * self.every, end)

    def note(self, holder: int, length: int) -> None:
        assert len(self.held[holder]) == length
        if not self.cuts:
            self.checkpoints.setdefault(holder, set()).add(length)

    def decode(self, plan: Plan) -> None:
        """Compute the cells of a step, drafted ones included."""
        for chunk in plan.chunks:
            sequence = chunk.sequence
            cells = self.held.setdefault(sequence.slot, [])
            assert [token for _, token in cells] == sequence.tokens[: sequence.cached]
            tokens = [*sequence.tokens[sequence.cached :], *sequence.draft][: chunk.count]
            cells += [(next(self._cells), token) for token in tokens]
        assert self.used <= self.size, "more cells than there are"
