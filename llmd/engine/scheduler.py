"""Decides what the next decode call carries. Pure: sequences in, a plan out.

Continuous batching after Orca (Yu et al., OSDI 2022) with chunked prefill after Sarathi-Serve
(Agrawal et al., OSDI 2024): every step carries one token of each decoding sequence and fills the
rest of the batch with prompt tokens, oldest request first. While anything is decoding, a step
carries at most `prefill_chunk` prompt tokens, so that streams keep flowing. Requests are admitted
in order of arrival when a slot and KV cache for their whole prompt are free. When decoding
sequences outgrow the KV cache the youngest one is preempted: it gives up its cells and is
recomputed later, losing nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from llmd.engine.sequence import Sequence
from llmd.errors import QueueFull

# cells each running sequence may still grow by before admission counts on preemption instead
_HEADROOM = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in tokens, but for `parallel` (sequences) and `max_queue` (requests)."""

    parallel: int
    kv_tokens: int
    batch: int
    prefill_chunk: int
    max_queue: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """`count` tokens of a sequence, from its first uncached one; `last` when none is left after
    them.
    """

    sequence: Sequence
    count: int
    last: bool


@dataclass(slots=True)
class Plan:
    """What to do in one step: first forget the preempted, then decode the chunks."""

    chunks: list[Chunk] = field(default_factory=list)
    preempted: list[tuple[Sequence, int]] = field(default_factory=list)
    """Sequences that lost their slot, with the slot they lost."""
    admitted: list[Sequence] = field(default_factory=list)


class Scheduler:
    """The waiting queue and the running batch."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = list(range(limits.parallel - 1, -1, -1))
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return not self.running and not self.waiting

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence; raise QueueFull when too many wait already."""
        if len(self.waiting) + len(self.running) >= self._limits.max_queue + self._limits.parallel:
            raise QueueFull(
                f"{len(self.waiting)} requests are waiting for this model already.",
                hint="Try again in a few seconds, or raise engine.max_queue.",
                retry_after=5,
            )
        self.waiting.append(sequence)

    def release(self, sequence: Sequence) -> int:
        """Take a sequence out wherever it stands; return the slot it held, or -1."""
        if sequence in self.running:
            self.running.remove(sequence)
            return self._take_slot(sequence)
        if sequence in self.waiting:
            self.waiting.remove(sequence)
        return -1

    def preempt_youngest(self) -> tuple[Sequence, int] | None:
        """Send the youngest running sequence back to the head of the queue, if others run too."""
        if len(self.running) <= 1:
            return None
        sequence = self.running.pop()
        slot = self._take_slot(sequence)
        sequence.cached = 0
        self.waiting.appendleft(sequence)
        return sequence, slot

    def plan(self) -> Plan:
        """Decide the next step."""
        plan = Plan()
        while self._used() > self._limits.kv_tokens:
            lost = self.preempt_youngest()
            if lost is None:
                break
            plan.preempted.append(lost)
        if not plan.preempted:
            self._admit(plan)
        self._fill(plan)
        return plan

    def _take_slot(self, sequence: Sequence) -> int:
        slot, sequence.slot = sequence.slot, -1
        self._free.append(slot)
        return slot

    def _used(self) -> int:
        # a decoding sequence counts with the one token that this step adds
        return sum(len(sequence.tokens) for sequence in self.running)

    def _admit(self, plan: Plan) -> None:
        used = self._used()
        while self.waiting and self._free:
            need = len(self.waiting[0].tokens)
            reserve = _HEADROOM * (len(self.running) + 1)
            if self.running and used + need + reserve > self._limits.kv_tokens:
                return
            sequence = self.waiting.popleft()
            sequence.slot = self._free.pop()
            used += need
            self.running.append(sequence)
            plan.admitted.append(sequence)

    def _fill(self, plan: Plan) -> None:
        decoding = [sequence for sequence in self.running if sequence.decoding]
        plan.chunks = [Chunk(sequence, 1, last=True) for sequence in decoding]
        room = self._limits.batch - len(decoding)
        if decoding:
            room = min(room, self._limits.prefill_chunk)
        for sequence in self.running:
            if room <= 0:
                return
            if not sequence.decoding:
                count = min(room, sequence.remaining)
                plan.chunks.append(Chunk(sequence, count, last=count == sequence.remaining))
                room -= count
