"""The loop body of a worker: plan, decode, sample, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from llmd.engine import batch as batching
from llmd.engine.bindings import Batch, Context, Floats, Model, Projector
from llmd.engine.bulletin import Bulletin, Totals
from llmd.engine.drafting import Speculator
from llmd.engine.filling import Filling
from llmd.engine.grammar.constrained import ConstrainedSampler
from llmd.engine.kv_cache import Reuse
from llmd.engine.limits import Limits, Threads
from llmd.engine.logprobs import explain
from llmd.engine.memory import Memory
from llmd.engine.misses import told
from llmd.engine.plan import Chunk, Plan
from llmd.engine.scheduler import Scheduler
from llmd.engine.seeing import see
from llmd.engine.sequence import Recall, Sequence, Space, joined
from llmd.engine.shifting import shift
from llmd.engine.warm_prefixes import Recalled, WarmPrefixes
from llmd.errors import LlmdError, NoRoom
from llmd.protocol.events import Delta, Finished, FinishReason, Portion, Queued
from llmd.protocol.frames import Failed, Figures, WorkerEvent
from llmd.protocol.requests import Overflow

Output = tuple[int, WorkerEvent]


class EngineBroken(RuntimeError):
    """llama.cpp failed in a way that leaves its state unknown; the process must end."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What an engine runs on."""

    model: Model
    context: Context
    memory: Memory
    activate: Callable[[Context, Space], None]
    """Makes the context run with the adapters of a space; may raise LlmdError."""
    threads: Threads
    speculator: Speculator | None = None
    filler: int = -1
    """A sequence id for rows that only fill up a decode call; -1: no call is filled up."""


class Engine:
    """One generating model: sequences join and leave the running batch between any two steps."""

    def __init__(self, machine: Machine, limits: Limits, context_length: int) -> None:
        self.model = machine.model
        self.context_length = context_length
        self.scheduler = Scheduler(limits, machine.memory, self._ask)
        self.totals = Totals()
        self._context = machine.context
        self._memory = machine.memory
        self._activate = machine.activate
        self._space: Space = ()
        self.projector: Projector | None = None
        """What decodes pictures and sounds, for a model that takes some."""
        self.warm: WarmPrefixes | None = None
        """The prefixes on the disk, for an engine that keeps some."""
        self.fetch: Callable[[int, list[int], int], None] | None = None
        """Starts `WarmPrefixes.look` in another thread; what it finds comes to `recalled`."""
        self._keeps = limits.slots > limits.parallel + 1
        """Whether there is anywhere to keep prefixes."""
        self._speculator = machine.speculator
        self._filling = Filling(machine.filler)
        self._threads = machine.threads
        self._guessing = 0
        """Sequences that may be drafted for."""
        self._batch = Batch(limits.largest)
        self._written: tuple[Plan, batching.Rows] | None = None
        """The plan that the batch was written for last."""
        self._by_id: dict[int, Sequence] = {}
        self._bulletin = Bulletin(self.scheduler)

    @property
    def idle(self) -> bool:
        """Whether no sequence is left."""
        return self.scheduler.idle

    @property
    def steady(self) -> bool:
        """Whether the last step did nothing but write answers."""
        return self._written is not None and not self._written[0].reads

    @property
    def modes(self) -> frozenset[str]:
        """How requests may ask to be sped up."""
        return self._speculator.modes if self._speculator else frozenset({"auto", "off"})

    def submit(self, sequence: Sequence) -> Queued:
        """Queue a sequence and return its place; raise QueueFull."""
        if not self._keeps:
            sequence.cache_prompt = False
        self.scheduler.add(sequence)
        self._by_id[sequence.id] = sequence
        self._guessing += self._guesses(sequence)
        return self._bulletin.place(sequence)

    def cancel(self, request: int) -> bool:
        """Drop a sequence at once; False when none has that id, be it finished or to come."""
        sequence = self._by_id.get(request)
        if sequence is None:
            return False
        self._drop(sequence)
        return True

    @property
    def stuck(self) -> bool:
        """Whether nothing can be done until the disk has answered."""
        return self.scheduler.stuck

    def recalled(self, recalled: Recalled) -> None:
        """Take what the disk had for a waiting sequence, which goes on now."""
        sequence = self._by_id.get(recalled.sequence)
        if self.warm is None or sequence is None or sequence.recall is not Recall.ASKED:
            return
        cache = self.scheduler.cache
        if recalled.length > cache.reuse(sequence).length:
            self.warm.bring_back(recalled, self.scheduler.attached)
        self.scheduler.recalled(sequence)

    def park_all(self) -> None:
        """Give up all sequences; what the cache holds of them stays."""
        for request in list(self._by_id):
            self.cancel(request)

    def step(self) -> list[Output]:
        """Run one decode call; return what it produced, in the order of the batch."""
        now = time.monotonic()
        plan = self.scheduler.plan(now, self._draft) if self._guessing else self.scheduler.plan(now)
        if plan.empty:
            return []
        if plan.space != self._space and (failed := self._adapt(plan)):
            return failed
        if plan.picture and (status := self._see(plan.picture)):
            return self._recover(status)
        if not plan.chunks:
            return []
        count, rows = self._write(plan)
        started = time.monotonic()
        filled = self._filling.fill(self._batch, plan, count, self.scheduler.free)
        self._context.use_threads(self._threads.step(plan.reading))
        status = self._context.decode(self._batch, count + filled)
        if status:
            return self._recover(status)
        if filled:
            self._context.remove(self._filling.slot)
        if self._speculator and self._speculator.following:
            owners = {chunk.sequence.slot: chunk.sequence.id for chunk in plan.chunks}
            self._speculator.decoded(self._batch, count, owners)
        outputs = self._advance(plan, rows)
        # logits are ready only when the device is done, so the time includes reading them
        seconds = time.monotonic() - started
        self._measure(plan, count, seconds)
        self._filling.observe(plan, filled, seconds)
        return outputs

    def news(self, now: float) -> list[Output]:
        """Return what waiting and reading requests may want to know, see `Bulletin.news`."""
        return list(self._bulletin.news(now))

    def figures(self, now: float) -> Figures:
        """Return how the engine stands."""
        return self._bulletin.figures(self.totals, self._by_id.values(), now)

    def close(self) -> None:
        """Free the KV cache and the weights."""
        if self._speculator:
            self._speculator.close()
        self._context.close()
        self.model.close()

    def _ask(self, sequence: Sequence, reuse: Reuse) -> bool:
        """Fetch what was set aside in memory; have the disk looked at where that may pay."""
        if not self.warm:
            return False
        reused = self.warm.fetch(sequence, reuse.length, self.scheduler.attached)
        if not self.fetch or not self.warm.promising(sequence, reused):
            return False
        self.fetch(sequence.id, list(sequence.tokens), reused)
        return True

    def _guesses(self, sequence: Sequence) -> bool:
        return self._speculator is not None and sequence.speculation.mode != "off"

    def _draft(self, decoding: list[Sequence], rows: int) -> None:
        """Set the drafts of sequences whose context and answer have room for them: what a grammar
        forces next, or what the speculator guesses.
        """
        if self._speculator is None or all(s.speculation.mode == "off" for s in decoding):
            return
        room = {
            s.id: min(self.context_length - len(s.tokens), s.max_tokens - s.generated) - 1
            for s in decoding
        }
        forced = {s.id: ahead(s, room[s.id]) for s in decoding}
        guessed = {request: most for request, most in room.items() if not forced[request]}
        drafts = self._speculator.drafts(guessed, rows) if guessed else {}
        left = self._speculator.budget.most - sum(map(len, drafts.values()))
        for sequence in decoding:
            tokens = forced[sequence.id][:left]
            left -= len(tokens)
            sequence.draft = tokens or drafts.get(sequence.id, [])

    def _write(self, plan: Plan) -> tuple[int, batching.Rows]:
        if self._written and self._written[0] is plan:
            rows = self._written[1]
            return batching.again(self._batch, rows), rows
        self._follow(plan)
        count, rows = batching.write(self._batch, plan.chunks)
        self._written = plan, rows
        return count, rows

    def _see(self, chunk: Chunk) -> int:
        self.totals.read_tokens += chunk.count
        self._context.use_threads(self._threads.prefill)
        return see(self.projector, self._context, self._memory, self.scheduler.cache, chunk)

    def _follow(self, plan: Plan) -> None:
        """Have the drafters follow sequences from before their first prompt token is read."""
        if self._speculator is None:
            return
        for chunk in plan.chunks:
            s = chunk.sequence
            if not s.generated:
                self._speculator.start(s.id, s.tokens, s.speculation, s.prediction)

    def _adapt(self, plan: Plan) -> list[Output]:
        """Switch adapters; where that fails, the sequences that wanted them fail."""
        try:
            self._activate(self._context, plan.space)
        except LlmdError as error:
            failed = [s for s in self._by_id.values() if s.space == plan.space]
            for sequence in failed:
                self._drop(sequence)
            return [(sequence.id, Failed(error.to_wire())) for sequence in failed]
        self._space = plan.space
        return []

    def _advance(self, plan: Plan, rows: batching.Rows) -> list[Output]:
        for chunk in plan.chunks:
            if chunk.sequence.decoding:
                chunk.sequence.cached += 1
                continue
            chunk.sequence.cached += chunk.count
            self.scheduler.cache.read(chunk.sequence, stop=chunk.stop)
        outputs: list[Output] = []
        if rows:
            logits = self._context.logits(sum(count for _, count in rows))
            at = 0
            for sequence, count in rows:
                outputs += self._settle(sequence, logits[at : at + count])
                at += count
        return outputs

    def _settle(self, sequence: Sequence, rows: Floats) -> list[Output]:
        """Sample one token after the other while they turn out as drafted."""
        if not self._guesses(sequence):
            return self._one(sequence, rows[0])
        before = len(sequence.tokens)
        outputs: list[Output] = []
        for index, row in enumerate(rows):
            outputs += self._one(sequence, row)
            if sequence.id not in self._by_id:
                return outputs
            if index == len(sequence.draft) or sequence.tokens[-1] != sequence.draft[index]:
                break
            sequence.cached += 1
            sequence.accepted += 1
        if self._speculator:
            self._speculator.settle(sequence.id, sequence.tokens[before:], len(sequence.draft))
        if sequence.draft:
            self._memory.trim(sequence.slot, sequence.cached)
            sequence.drafted += len(sequence.draft)
            sequence.draft = []
        return outputs

    def _one(self, sequence: Sequence, row: Floats) -> list[Output]:
        try:
            return self._take(sequence, row)
        except LlmdError as error:  # its grammar leaves no way on
            self._drop(sequence)
            return [(sequence.id, Failed(error.to_wire()))]

    def _measure(self, plan: Plan, rows: int, seconds: float) -> None:
        self.scheduler.observe(plan, seconds)
        if self._speculator and self._speculator.following:
            self._speculator.measured(rows, seconds)
        self.totals.steps += 1
        self.totals.read_tokens += plan.reading

    def _recover(self, status: int) -> list[Output]:
        """No free cells: give up parked prefixes, then the youngest sequence for now. Anything else
        is beyond repair.
        """
        if status != 1:
            raise EngineBroken(f"llama_decode returned {status}")
        for sequence in self._by_id.values():
            sequence.draft = []
        if self.scheduler.cache.tree.parked:
            self.scheduler.cache.forget()
            self.scheduler.changed()
            return []
        if self.scheduler.preempt_youngest():
            return []
        sequence = self.scheduler.running[0]
        self._drop(sequence)
        error = NoRoom(
            "The KV cache cannot hold this sequence.",
            hint="Raise engine.kv_tokens or shorten the prompt.",
        )
        return [(sequence.id, Failed(error.to_wire()))]

    def _drop(self, sequence: Sequence) -> None:
        if sequence.draft and sequence.slot >= 0:
            # cells of drafted tokens that were not accepted are no part of what stays parked
            self._memory.trim(sequence.slot, sequence.cached)
            sequence.drafted += len(sequence.draft)
            sequence.draft = []
        self.scheduler.release(sequence)
        self.totals.add(sequence.usage())
        del self._by_id[sequence.id]
        self._guessing -= self._guesses(sequence)
        sequence.sampler.close()
        if self._speculator:
            self._speculator.stop(sequence.id)

    def _take(self, sequence: Sequence, row: Floats) -> list[Output]:
        """Choose the next token of one sequence and say what follows from it."""
        plain = row.copy() if sequence.logprobs is not None else None
        token = sequence.sampler.choose(row)
        sequence.timing.last_token = time.monotonic()
        sequence.timing.first_token = sequence.timing.first_token or sequence.timing.last_token
        sequence.generated += 1
        if token in self.model.vocab.end_tokens and not sequence.ignore_eos:
            return self._finish(sequence, FinishReason.STOP, Portion())
        sequence.tokens.append(token)
        sequence.unsent += 1
        if plain is not None and sequence.logprobs is not None:
            sequence.explained.append(explain(plain, token, sequence.logprobs, self.model.vocab))
        portion = sequence.read(token, self.model.vocab)
        if sequence.text.stopped is not None:
            return self._finish(sequence, FinishReason.STOP, portion)
        if sequence.generated >= sequence.max_tokens or not self._fits(sequence):
            return self._finish(sequence, FinishReason.LENGTH, portion)
        return [(sequence.id, self._delta(sequence, portion))] if portion else []

    def _delta(self, sequence: Sequence, portion: Portion) -> Delta:
        delta = Delta(
            portion.text, sequence.unsent, sequence.explained, portion.reasoning, portion.calls
        )
        sequence.unsent, sequence.explained = 0, []
        return delta

    def _finish(self, sequence: Sequence, reason: FinishReason, portion: Portion) -> list[Output]:
        portion = joined(portion, sequence.rest())
        if sequence.text.stopped is not None:
            reason = FinishReason.STOP
        if reason is FinishReason.STOP and sequence.reader and sequence.reader.called:
            reason = FinishReason.TOOL_CALLS
        outputs: list[Output] = []
        if portion or sequence.unsent:
            outputs.append((sequence.id, self._delta(sequence, portion)))
        miss = told(sequence, self.model.vocab)
        self._drop(sequence)
        finished = Finished(reason, sequence.usage(miss), sequence.text.stopped)
        return [*outputs, (sequence.id, finished)]

    def _fits(self, sequence: Sequence) -> bool:
        """Whether the newest token has room in the context, after a shift where the request allows
        one.
        """
        if len(sequence.tokens) + sequence.surplus(0) <= self.context_length:
            return True
        if sequence.overflow is not Overflow.SHIFT or sequence.media:
            return False
        shift(sequence, self._context, self._memory, self.scheduler.cache, self.context_length)
        self.scheduler.changed()
        if self._speculator:
            self._speculator.restart(sequence.id, sequence.tokens)
        return True


def ahead(sequence: Sequence, most: int) -> list[int]:
    """Return the tokens that must come next, whatever the model says."""
    sampler = sequence.sampler
    if not isinstance(sampler, ConstrainedSampler) or sequence.speculation.mode == "off":
        return []
    return sampler.ahead(max(0, most))
