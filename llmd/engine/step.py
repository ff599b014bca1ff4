"""The loop body of a worker: plan, decode, sample, report."""

from __future__ import annotations

import time
from collections.abc import Iterable

from llmd.engine import batch as batching
from llmd.engine.bindings import Batch, Context, Floats, Model
from llmd.engine.logprobs import explain
from llmd.engine.scheduler import Limits, Plan, Scheduler
from llmd.engine.sequence import Sequence, joined
from llmd.errors import NoRoom
from llmd.protocol.events import Delta, Finished, FinishReason, Portion
from llmd.protocol.frames import Failed, WorkerEvent
from llmd.protocol.requests import Overflow

Output = tuple[int, WorkerEvent]

# share of the context that a shift never forgets, so that a system prompt survives
_KEPT_SHARE = 4


class EngineBroken(RuntimeError):
    """llama.cpp failed in a way that leaves its state unknown; the process must end."""


class Engine:
    """One generating model: sequences join and leave the running batch between any two steps."""

    def __init__(self, model: Model, context: Context, limits: Limits, context_length: int) -> None:
        self.model = model
        self.context_length = context_length
        self.scheduler = Scheduler(limits)
        self.steps = 0
        self._context = context
        self._batch = Batch(limits.batch)
        self._by_id: dict[int, Sequence] = {}

    @property
    def idle(self) -> bool:
        """Whether no sequence is left."""
        return self.scheduler.idle

    def submit(self, sequence: Sequence) -> None:
        """Queue a sequence; raise QueueFull."""
        self.scheduler.add(sequence)
        self._by_id[sequence.id] = sequence

    def cancel(self, request: int) -> bool:
        """Drop a sequence at once; False when none has that id, be it finished or to come."""
        sequence = self._by_id.get(request)
        if sequence is None:
            return False
        self._drop(sequence)
        return True

    def step(self) -> list[Output]:
        """Run one decode call; return what it produced, in the order of the batch."""
        plan = self.scheduler.plan()
        now = time.monotonic()
        for sequence in plan.admitted:
            # a sequence that was preempted has been admitted before
            sequence.timing.admitted = sequence.timing.admitted or now
        for _, slot in plan.preempted:
            self._context.remove(slot)
        if not plan.chunks:
            return []
        count, rows = batching.write(self._batch, plan.chunks)
        status = self._context.decode(self._batch, count)
        self.steps += 1
        if status:
            return self._recover(status)
        return self._advance(plan, rows)

    def close(self) -> None:
        """Free the KV cache and the weights."""
        self._context.close()
        self.model.close()

    def _advance(self, plan: Plan, rows: list[Sequence]) -> list[Output]:
        for chunk in plan.chunks:
            chunk.sequence.cached += chunk.count
        outputs: list[Output] = []
        if rows:
            logits = self._context.logits(len(rows))
            for sequence, row in zip(rows, logits, strict=True):
                outputs += self._take(sequence, row)
        return outputs

    def _recover(self, status: int) -> list[Output]:
        """No free cells: give up the youngest sequence for now. Anything else is beyond repair."""
        if status != 1:
            raise EngineBroken(f"llama_decode returned {status}")
        if lost := self.scheduler.preempt_youngest():
            self._context.remove(lost[1])
            return []
        sequence = self.scheduler.running[0]
        self._drop(sequence)
        error = NoRoom(
            "The KV cache cannot hold this sequence.",
            hint="Raise engine.kv_tokens or shorten the prompt.",
        )
        return [(sequence.id, Failed(error.to_wire()))]

    def _drop(self, sequence: Sequence) -> None:
        slot = self.scheduler.release(sequence)
        if slot >= 0:
            self._context.remove(slot)
        del self._by_id[sequence.id]
        sequence.sampler.close()

    def _take(self, sequence: Sequence, row: Floats) -> Iterable[Output]:
        """Choose the next token of one sequence and say what follows from it."""
        plain = row.copy() if sequence.logprobs is not None else None
        token = sequence.sampler.choose(row)
        sequence.timing.last_token = time.monotonic()
        sequence.timing.first_token = sequence.timing.first_token or sequence.timing.last_token
        sequence.generated += 1
        if token in self.model.vocab.end_tokens and not sequence.ignore_eos:
            yield from self._finish(sequence, FinishReason.STOP, Portion())
            return
        sequence.tokens.append(token)
        sequence.unsent += 1
        if plain is not None and sequence.logprobs is not None:
            sequence.explained.append(explain(plain, token, sequence.logprobs, self.model.vocab))
        portion = sequence.read(token, self.model.vocab)
        if sequence.text.stopped is not None:
            yield from self._finish(sequence, FinishReason.STOP, portion)
        elif sequence.generated >= sequence.max_tokens or not self._fits(sequence):
            yield from self._finish(sequence, FinishReason.LENGTH, portion)
        elif portion:
            yield sequence.id, self._delta(sequence, portion)

    def _delta(self, sequence: Sequence, portion: Portion) -> Delta:
        delta = Delta(
            portion.text, sequence.unsent, sequence.explained, portion.reasoning, portion.calls
        )
        sequence.unsent, sequence.explained = 0, []
        return delta

    def _finish(
        self, sequence: Sequence, reason: FinishReason, portion: Portion
    ) -> Iterable[Output]:
        portion = joined(portion, sequence.rest())
        if sequence.text.stopped is not None:
            reason = FinishReason.STOP
        if reason is FinishReason.STOP and sequence.reader and sequence.reader.called:
            reason = FinishReason.TOOL_CALLS
        if portion or sequence.unsent:
            yield sequence.id, self._delta(sequence, portion)
        yield sequence.id, Finished(reason, sequence.usage(), sequence.text.stopped)
        self._drop(sequence)

    def _fits(self, sequence: Sequence) -> bool:
        """Whether the newest token has room in the context, after a shift where the request allows
        one.
        """
        if len(sequence.tokens) <= self.context_length:
            return True
        if sequence.overflow is not Overflow.SHIFT or not self._context.can_shift:
            return False
        keep = min(sequence.prompt_tokens, self.context_length // _KEPT_SHARE)
        drop = (self.context_length - keep) // 2
        self._context.remove(sequence.slot, keep, keep + drop)
        self._context.move(sequence.slot, keep + drop, -drop)
        del sequence.tokens[keep : keep + drop]
        sequence.cached -= drop
        sequence.dropped += drop
        return True
