"""A KV cache that remembers which token every cell was computed from, so that tests can see whether
a sequence reads what it should.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, cast

import numpy as np

from llmd.engine.memory import AttentionMemory, Memory, StateMemory

if TYPE_CHECKING:
    from llmd.engine.bindings import Context
    from llmd.engine.bindings.library import Bytes
    from llmd.engine.plan import Plan

_CHECKPOINTS = 2**20


@dataclass
class FakeKV:
    """What llama.cpp remembers, below a real `memory`; `cuts` False behaves like a hybrid model:
    cells that can be cut anywhere, and a state that cannot go back, with a checkpoint every `every`
    tokens.
    """

    size: int
    cuts: bool = True
    every: int = 16
    held: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Sequence id to its cells: (cell, token)."""
    states: dict[int, list[int]] = field(default_factory=dict)
    """Sequence id to the cells of the tokens that its state has seen, of a hybrid model."""
    shares: int = 0

    def __post_init__(self) -> None:
        self._cells = count()
        self.context = cast("Context", self)
        """It, as memories take it."""
        self.memory: Memory = (
            AttentionMemory(self.context)
            if self.cuts
            else StateMemory(self.context, _CHECKPOINTS, every=self.every)
        )

    @property
    def used(self) -> int:
        return len({cell for cells in self.held.values() for cell, _ in cells})

    def tokens(self, holder: int) -> list[int]:
        return [token for _, token in self.held.get(holder, [])]

    def last(self, sequence: int) -> int:
        """As llama.cpp says it: what cells and state have both seen."""
        held = len(self.held.get(sequence, []))
        return (held if self.cuts else min(held, len(self.states.get(sequence, [])))) - 1

    def copy(self, source: int, target: int, start: int = -1, end: int = -1) -> None:
        assert not self.held.get(target), "only empty sequences share"
        assert start <= 0
        assert end <= len(self.held[source]), "the tree claims more than there is"
        self.shares += 1
        self.held[target] = self.held[source][: end if end >= 0 else None]
        if not self.cuts:
            self.states[target] = self.states[source]

    def remove(self, sequence: int, start: int = -1, end: int = -1) -> bool:
        assert end == -1, "only ends are given up"
        if start > 0:
            if not self.cuts and len(self.states[sequence]) > start:
                return False
            del self.held[sequence][start:]
            return True
        self.held.pop(sequence, None)
        self.states.pop(sequence, None)
        return True

    def state_save(self, sequence: int, *, partial: bool) -> Bytes:
        assert partial
        return np.array(self.states[sequence], np.int64).view(np.uint8)

    def state_load(self, sequence: int, saved: Bytes, *, partial: bool) -> bool:
        assert partial
        self.states[sequence] = saved.view(np.int64).tolist()
        return True

    def compute(self, sequence: int, tokens: list[int]) -> None:
        """Decode tokens behind what a sequence holds."""
        cells = self.held.setdefault(sequence, [])
        if not self.cuts:
            seen = self.states.get(sequence, [])
            assert seen == [cell for cell, _ in cells], "the state stands where the cells do not"
        cells += [(next(self._cells), token) for token in tokens]
        if not self.cuts:
            self.states[sequence] = [cell for cell, _ in cells]

    def decode(self, plan: Plan) -> None:
        """Compute the cells of a step, drafted ones included."""
        for chunk in plan.chunks:
            sequence = chunk.sequence
            assert self.tokens(sequence.slot) == sequence.tokens[: sequence.cached]
            tokens = [*sequence.tokens[sequence.cached :], *sequence.draft][: chunk.count]
            self.compute(sequence.slot, tokens)
        assert self.used <= self.size, "more cells than there are"
