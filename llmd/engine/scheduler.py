"""Decides what the next decode call carries. Pure: sequences in, a plan out.

Continuous batching (Orca, Yu et al., OSDI 2022) with chunked prefill (Sarathi-Serve, Agrawal et
al., OSDI 2024). Every step carries one token of each decoding sequence, and what was drafted behind
it; the rest of the step reads prompts. The rules:

- Requests are admitted in the order of waiting.py when a slot and cells for their prompt are free.
  One that does not fit lets later ones pass, but at most `_PATIENCE` of them.
- A prompt that begins like one that is being read waits for that beginning instead of reading it
  again.
- A picture or sound takes a decode call of its own, one a step.
- While answers are written, prompts of up to `prefill_chunk` new tokens are read at once, as far as
  that many tokens go; longer ones at the pace of chunking.py, so that answers keep flowing.
- Of the prompt tokens of a step, a quarter belongs to the prompt that was admitted first; the rest
  goes to those that have least left. So a short prompt does not wait behind a long one, and a long
  one takes at most four times as long.
- When the answers outgrow the cache, parked prefixes go first; then the youngest sequence is
  preempted: it is parked itself, and continued later from what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from llmd.engine.chunking import PrefillPace
from llmd.engine.kv_cache import KVCache, Reuse
from llmd.engine.limits import Limits
from llmd.engine.media_span import run_length
from llmd.engine.memory import Memory
from llmd.engine.plan import Chunk, Plan
from llmd.engine.prefill_cap import PrefillCap
from llmd.engine.prefix_cache import common
from llmd.engine.sequence import Recall, Sequence, Space
from llmd.engine.waiting import WaitingLine
from llmd.errors import QueueFull

# cells each running sequence may still grow by before admission counts on preemption instead
_HEADROOM = 32
_PATIENCE = 8
_LOOKAHEAD = 16
_ELDEST_SHARE = 4
# a common beginning shorter than this is read again rather than waited for
_WORTH_WAITING = 32


Draft = Callable[[list[Sequence], int], None]
"""Sets `draft` of decoding sequences, in a step that has so many rows anyway."""


def _no_drafts(decoding: list[Sequence], rows: int) -> None:
    """Leave everything as it is."""


Ask = Callable[[Sequence, Reuse], bool]
"""Fetches more of a prompt than can be reused from elsewhere: False when that is done or nothing is
to be found; True when it takes a while, and `Scheduler.recalled` tells the end of it.
"""


def _no_files(sequence: Sequence, reuse: Reuse) -> bool:
    del sequence, reuse
    return False


class Scheduler:
    """The waiting line and the running batch."""

    def __init__(self, limits: Limits, memory: Memory, ask: Ask = _no_files) -> None:
        self._limits = limits
        self._memory = memory
        self._ask = ask
        self._asked: list[Sequence] = []
        """Waiting sequences that the disk was asked for."""
        self.cache = KVCache(limits.kv_tokens, limits.slots, memory)
        self.pace = PrefillPace(limits.slowdown, limits.prefill_chunk)
        self.cap = PrefillCap(limits.batch)
        self.waiting = WaitingLine()
        self.running: list[Sequence] = []
        self._turns: dict[Space, int] = {}
        """When each space decoded last, in steps."""
        self._blocked = False
        """Whether nothing changed since the waiting line was found not to fit."""
        self._standing: Plan | None = None
        """What the next steps carry as long as nothing changes; `_repeats` of them at least."""
        self._repeats = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return not self.running and not self.waiting

    @property
    def stuck(self) -> bool:
        """Whether nothing can be done until the disk has answered."""
        return not self.running and bool(self._asked)

    @property
    def attached(self) -> list[Sequence]:
        """Running sequences that have a slot."""
        return [sequence for sequence in self.running if sequence.slot >= 0]

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence; raise QueueFull when too many wait already."""
        if len(self.waiting) + len(self.running) >= self._limits.max_queue + self._limits.parallel:
            raise QueueFull(
                f"{len(self.waiting)} requests are waiting for this model already.",
                hint="Try again in a few seconds, or raise engine.max_queue.",
                retry_after=max(1, round(self.wait(len(self.waiting), sequence.timing.arrived))),
            )
        if self.idle:
            self.waiting.rest()
        self.waiting.add(sequence)
        self.changed()

    def wait(self, place: int, now: float) -> float:
        """Guess the seconds until the request at this place of the line is admitted."""
        full = len(self.running) >= self._limits.parallel
        return self.waiting.wait(place + full, now) if full or place else 0.0

    def release(self, sequence: Sequence) -> None:
        """Take a sequence out wherever it stands; what the cache holds of it stays for others."""
        if sequence in self.running:
            self.running.remove(sequence)
            if sequence.slot >= 0:
                self.cache.release(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)
            if sequence in self._asked:
                self._asked.remove(sequence)
        self.changed()

    def changed(self) -> None:
        """Look at everything anew for the next step; to be called after a change to the cache or to
        what runs that was not the scheduler's.
        """
        self._blocked = False
        self._standing = None

    def preempt_youngest(self) -> bool:
        """Send the youngest running sequence back to the head of the line, if others run too."""
        self._standing = None
        if len(self.attached) <= 1:
            return False
        sequence = self.attached[-1]
        self.running.remove(sequence)
        self.cache.release(sequence)
        self.waiting.put_back(sequence)
        return True

    def plan(self, now: float, draft: Draft = _no_drafts) -> Plan:
        """Decide the next step; `draft` is asked what decoding sequences could take besides. The
        same plan comes again where nothing has changed but that every answer is a token longer.
        """
        if self._standing and self._repeats > 0 and draft is _no_drafts:
            self._repeats -= 1
            return self._standing
        self._standing = None
        if self.waiting and not self._blocked:
            self._admit(now)
        self._attach_followers()
        plan = Plan(space=self._next_space())
        self._decode(plan, draft)
        self._read_prompts(plan)
        if plan.empty and self.preempt_youngest():
            # prompts alone hold all cells, and none can be read on
            return self.plan(now)
        if draft is _no_drafts:
            self._stand(plan)
        return plan

    def _stand(self, plan: Plan) -> None:
        """Keep a plan for the steps to come, if it is nothing but a token for each answer."""
        if not plan.decoding or plan.reads or any(self._turns):
            return
        if len(plan.chunks) == len(self.running) and (self._blocked or not self.waiting):
            free = self.cache.cells - self.cache.used(self.running)
            self._standing, self._repeats = plan, free // plan.decoding - 1

    def observe(self, plan: Plan, seconds: float) -> None:
        """Learn from what a planned step took."""
        if plan.paced:
            self.pace.observe(plan.decoding, plan.reading, seconds, plan.depth)
        if not plan.decoding:
            self.cap.observe(plan.reading, seconds)

    def free(self, plan: Plan) -> int:
        """Return the rows that a planned step can carry besides, with cells for them."""
        count = plan.decoding + plan.reading
        cells = self.cache.cells - self.cache.used(self.attached)
        return min(self._limits.largest, cells) - count

    def _decode(self, plan: Plan, draft: Draft) -> None:
        """Give every decoding sequence its token, whatever has to go for it."""
        decoding = [s for s in self.attached if s.decoding and s.space == plan.space]
        if decoding and draft is not _no_drafts:
            draft(decoding, len(decoding) + self._pending(plan, len(decoding)))
        needed = sum(1 + len(sequence.draft) for sequence in decoding)
        while not self.cache.reserve(self.attached, needed):
            drafting = [sequence for sequence in decoding if sequence.draft]
            for sequence in drafting:
                sequence.draft = []
            if not drafting and not self.preempt_youngest():
                raise AssertionError("one sequence alone fits the cache")
            decoding = [sequence for sequence in decoding if sequence.slot >= 0]
            needed = len(decoding)
        plan.chunks = [Chunk(s, 1 + len(s.draft), last=True) for s in decoding]
        plan.decoding = needed

    def _pending(self, plan: Plan, decoding: int) -> int:
        """Return the prompt tokens the step will carry at most."""
        reading = [s for s in self.attached if not s.decoding and s.space == plan.space]
        return min(self.pace.budget(decoding, _depth(reading)), sum(s.remaining for s in reading))

    def _next_space(self) -> Space:
        """Return the space whose turn it is, of those that running sequences are in."""
        spaces = {sequence.space for sequence in self.running if sequence.slot >= 0}
        if not any(spaces):
            return ()
        space = min(spaces, key=lambda space: self._turns.get(space, 0))
        self._turns = {other: self._turns.get(other, 0) for other in spaces}
        self._turns[space] = 1 + max(self._turns.values())
        return space

    def _admit(self, now: float) -> None:
        """Admit what fits, in the order of the line."""
        passed: list[Sequence] = []
        for sequence in list(islice(self.waiting, _LOOKAHEAD)):
            if len(self.running) >= self._limits.parallel:
                return
            if self._recalling(sequence):
                continue
            reuse = self.cache.reuse(sequence)
            leader, length = self._leader(sequence, reuse)
            if not self._fits(sequence, reuse, length):
                if sequence.passed >= _PATIENCE:
                    break
                passed.append(sequence)
                continue
            for earlier in passed:
                earlier.passed += 1
            self._start(sequence, reuse, leader, length, now)
            if any(earlier.passed >= _PATIENCE for earlier in passed):
                break
        self._blocked = True

    def _recalling(self, sequence: Sequence) -> bool:
        """Whether a sequence waits for the disk, or for another one that does and begins alike."""
        if sequence.recall is Recall.OPEN:
            reuse = self.cache.reuse(sequence)
            for other in self._asked:
                if common(sequence.tokens, other.tokens) >= reuse.length + _WORTH_WAITING:
                    return True
            sequence.recall = Recall.DONE
            if sequence.reused is None and self._ask(sequence, reuse):
                sequence.recall = Recall.ASKED
                self._asked.append(sequence)
        return sequence.recall is Recall.ASKED

    def recalled(self, sequence: Sequence) -> None:
        """Let a sequence go on that waited for the disk."""
        sequence.recall = Recall.DONE
        self._asked.remove(sequence)
        self.changed()

    def _start(
        self, sequence: Sequence, reuse: Reuse, leader: Sequence | None, length: int, now: float
    ) -> None:
        self.waiting.serve(sequence, now)
        self.running.append(sequence)
        # a sequence that was preempted has been admitted before
        sequence.timing.admitted = sequence.timing.admitted or now
        if leader is None:
            self.cache.attach(sequence, reuse)
            return
        sequence.leader, sequence.followed = leader, length
        leader.stops.append(length)

    def _leader(self, sequence: Sequence, reuse: Reuse) -> tuple[Sequence | None, int]:
        """Return who is reading the beginning of this prompt right now, and how much of it."""
        best, longest = None, reuse.length + _WORTH_WAITING - 1
        if not sequence.cache_prompt:
            return None, reuse.length
        for other in self.attached:
            if other.decoding or other.space != sequence.space or not other.cache_prompt:
                continue
            length = min(common(sequence.tokens, other.tokens), len(sequence.tokens) - 1)
            if length > max(longest, other.cached):
                best, longest = other, length
        return best, longest if best else reuse.length

    def _attach_followers(self) -> None:
        for sequence in self.running:
            leader = sequence.leader
            if sequence.slot >= 0 or leader is None:
                continue
            if leader.slot < 0 or leader.cached >= sequence.followed:
                sequence.leader = None
                self.cache.attach(sequence, self.cache.reuse(sequence))

    def _fits(self, sequence: Sequence, reuse: Reuse, length: int) -> bool:
        if not self.running:
            return True
        growth = _HEADROOM * (len(self.running) + 1)
        to_come = sum(
            s.remaining + s.surplus(s.cached)
            if s.slot >= 0
            else len(s.tokens) - s.followed + s.surplus(s.followed)
            for s in self.running
        )
        need = len(sequence.tokens) - length + sequence.surplus(length) + to_come + growth
        free = self.cache.cells - self.cache.used(self.attached)
        return need <= free or need <= free + self.cache.spare(frozenset({reuse.holder}))

    def _read_prompts(self, plan: Plan) -> None:
        reading = [s for s in self.attached if not s.decoding and s.space == plan.space]
        if not reading:
            return
        cells = plan.decoding + self._read_picture(plan, [s for s in reading if s.patch])
        reading = [s for s in reading if not s.patch]
        room = self._limits.batch - plan.decoding
        plan.depth = _depth(reading)
        if reading and room > 0:
            used = self.cache.used(self.attached) + cells
            free = self.cache.cells - used + self.cache.spare()
            if plan.decoding:
                self._read_beside(plan, reading, min(room, free))
            else:
                wanted = sum(self._stop(s) - s.cached for s in reading)
                most = self.cap.within(self._limits.step(wanted))
                self._read(plan, reading, min(most, free))
        self.cache.reserve(self.attached, cells + plan.reading)

    def _read_beside(self, plan: Plan, reading: list[Sequence], room: int) -> None:
        """Read prompts while answers are written: short ones at once, long ones at a pace."""
        most = self._limits.prefill_chunk
        short = [s for s in reading if len(s.tokens) - (s.reused or 0) <= most]
        plan.paced = not short
        self._read(plan, short, self.cap.within(min(room, most - plan.decoding)))
        long = [s for s in reading if s not in short]
        budget = self.pace.budget(plan.decoding, plan.depth)
        self._read(plan, long, min(room - plan.reading, budget))

    def _read(self, plan: Plan, reading: list[Sequence], room: int) -> None:
        if not reading or room <= 0:
            return
        for sequence, count in self._divide(reading, room):
            plan.chunks.append(self._chunk(sequence, count))
            plan.reading += count

    def _read_picture(self, plan: Plan, waiting: list[Sequence]) -> int:
        """Let one sequence, that which was admitted first, read a picture; return the cells it
        takes. A picture cannot be cut, so it is read whole whatever the pace.
        """
        free = self.cache.cells - self.cache.used(self.attached) - plan.decoding
        free += self.cache.spare()
        for sequence in waiting:
            span = sequence.patch
            if span and (span.patch.count <= free or len(self.attached) == 1):
                count = span.end - span.start
                stop = self._memory.chunk_end(span.start, len(sequence.tokens)) <= span.end
                plan.picture = Chunk(sequence, count, last=False, stop=stop)
                return span.patch.count
        return 0

    def _divide(self, reading: list[Sequence], room: int) -> Iterator[tuple[Sequence, int]]:
        """Share out the prompt tokens of a step."""
        wants = {s: self._stop(s) - s.cached for s in reading}
        eldest = reading[0]
        granted = dict.fromkeys(reading, 0)
        granted[eldest] = min(wants[eldest], max(1, room // _ELDEST_SHARE), max(0, room))
        room -= granted[eldest]
        for sequence in sorted(reading, key=lambda s: s.remaining):
            more = min(room, wants[sequence] - granted[sequence])
            granted[sequence] += more
            room -= more
        return ((sequence, count) for sequence, count in granted.items() if count > 0)

    def _stop(self, sequence: Sequence) -> int:
        """Return how far the prompt may be read in one chunk."""
        start = sequence.cached
        end = self._memory.chunk_end(start, len(sequence.tokens))
        end = start + run_length(sequence.media, start, end - start)[0]
        return min([end, *(stop for stop in sequence.stops if stop > start)])

    def _chunk(self, sequence: Sequence, count: int) -> Chunk:
        end = sequence.cached + count
        last = end == len(sequence.tokens)
        stop = end == self._stop(sequence) and (not last or self._memory.notes_ends)
        return Chunk(sequence, count, last=last, stop=stop)


def _depth(reading: list[Sequence]) -> int:
    """Return how many tokens lie before what is read next of the prompt that came farthest."""
    return max((sequence.cached for sequence in reading), default=0)
