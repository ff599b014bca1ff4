"""Questions that need decode calls: embeddings and reranking, packed across requests, and scored
prompts, read in chunks. One `step` is one call, so that the running batch never waits for long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from llmd.engine.bindings import Floats, Pooling
from llmd.engine.embedding import MOST_INPUTS, Embedder
from llmd.engine.packing import BUSY_ROOM, ROOM, Input, take_turns
from llmd.engine.scoring import BUSY_CHUNK, CHUNK, Scorer, Scoring
from llmd.errors import LlmdError
from llmd.protocol.frames import Answered, Failed, WorkerEvent
from llmd.protocol.questions import Reply

Output = tuple[int, WorkerEvent]


@dataclass(slots=True, eq=False)
class VectorJob:
    """Inputs that become vectors or scores; `reply` makes the answer of them, in order."""

    id: int
    waiting: deque[Input]
    pooling: Pooling
    reply: Callable[[list[Floats]], Reply]
    found: dict[int, Floats]

    @classmethod
    def make(
        cls,
        request: int,
        inputs: list[list[int]],
        pooling: Pooling,
        reply: Callable[[list[Floats]], Reply],
    ) -> VectorJob:
        """Return a job over the tokens of each input."""
        return cls(request, deque(map(Input, range(len(inputs)), inputs)), pooling, reply, {})


@dataclass(slots=True, eq=False)
class ScoreJob:
    """A prompt whose tokens are judged."""

    id: int
    scoring: Scoring
    reply: Callable[[Scoring], Reply]


Job = VectorJob | ScoreJob


class Jobs:
    """What waits for a call of its own, oldest first."""

    def __init__(self, embedder: Embedder, scorer: Scorer | None) -> None:
        self._embedder = embedder
        self._scorer = scorer
        self._vectors: deque[VectorJob] = deque()
        self._scores: deque[ScoreJob] = deque()

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not self._vectors and not self._scores

    def add(self, job: Job) -> None:
        """Queue a job."""
        if isinstance(job, VectorJob):
            self._vectors.append(job)
        else:
            self._scores.append(job)

    def cancel(self, request: int) -> bool:
        """Drop a job; False when none has that id."""
        for job in self._vectors:
            if job.id == request:
                self._vectors.remove(job)
                return True
        for scored in self._scores:
            if scored.id == request:
                self._end(scored)
                return True
        return False

    def step(self, *, busy: bool = False) -> list[Output]:
        """Run one call for the vectors that wait, and one for the prompts; short ones when the
        model is `busy` writing answers.
        """
        return [
            *self._embed(BUSY_ROOM if busy else ROOM),
            *self._score(BUSY_CHUNK if busy else CHUNK),
        ]

    def _embed(self, room: int) -> list[Output]:
        if not self._vectors:
            return []
        pooling = self._vectors[0].pooling
        jobs = [job for job in self._vectors if job.pooling == pooling]
        taken = take_turns([job.waiting for job in jobs], MOST_INPUTS, room)
        served = [jobs[index] for index in dict.fromkeys(index for index, _ in taken)]
        try:
            vectors = self._embedder.embed([item.tokens for _, item in taken], pooling)
        except LlmdError as error:
            return [self._fail(job, error) for job in served]
        for (index, item), vector in zip(taken, vectors, strict=True):
            jobs[index].found[item.place] = vector
        outputs: list[Output] = []
        for job in served:
            self._vectors.remove(job)
            if job.waiting:
                # those that were served go behind those that were not
                self._vectors.append(job)
            else:
                in_order = [job.found[place] for place in range(len(job.found))]
                outputs.append((job.id, Answered(job.reply(in_order))))
        return outputs

    def _fail(self, job: VectorJob, error: LlmdError) -> Output:
        self._vectors.remove(job)
        return job.id, Failed(error.to_wire())

    def _score(self, most: int) -> list[Output]:
        if not self._scores or self._scorer is None:
            return []
        job = self._scores[0]
        try:
            if not job.scoring.done:
                self._scorer.advance(job.scoring, most)
        except LlmdError as error:
            self._end(job)
            return [(job.id, Failed(error.to_wire()))]
        if not job.scoring.done:
            return []
        self._end(job)
        return [(job.id, Answered(job.reply(job.scoring)))]

    def _end(self, job: ScoreJob) -> None:
        self._scores.remove(job)
        if self._scorer:
            self._scorer.release(job.scoring)
