from __future__ import annotations

from typing import Any

import numpy as np

from llmd.engine.bindings import Floats, Pooling
from llmd.engine.scoring import Scoring
from llmd.errors import NoRoom
from llmd.protocol.frames import Answered, Failed
from llmd.protocol.questions import Embeddings, Reply, Scores
from llmd.runtime.worker.jobs import Jobs, ScoreJob, VectorJob


class FakeEmbedder:
    """The vector of an input is its first token; remembers each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[int], Pooling]] = []
        self.fails = False

    def embed(self, inputs: list[list[int]], pooling: Pooling) -> list[Floats]:
        self.calls.append(([tokens[0] for tokens in inputs], pooling))
        if self.fails:
            raise NoRoom("no room", hint="")
        return [np.array([tokens[0]], np.float32) for tokens in inputs]


class FakeScorer:
    """Reads two tokens a call."""

    def __init__(self) -> None:
        self.released: list[Scoring] = []
        self.chunks: list[int] = []
        self.fails = False

    def advance(self, scoring: Scoring, most: int) -> None:
        self.chunks.append(most)
        if self.fails:
            raise NoRoom("no room", hint="")
        scoring.read += 2

    def release(self, scoring: Scoring) -> None:
        self.released.append(scoring)


class Scene:
    """Jobs over fakes."""

    def __init__(self) -> None:
        self.embedder, self.scorer = FakeEmbedder(), FakeScorer()
        self.jobs = Jobs(self.embedder, self.scorer)  # type: ignore[arg-type]

    def vectors(
        self, request: int, *firsts: int, size: int = 10, pooling: Pooling = Pooling.MEAN
    ) -> None:
        def reply(vectors: list[Floats]) -> Reply:
            return Embeddings(1, [vector.tobytes() for vector in vectors], 0)

        inputs = [[first] * size for first in firsts]
        self.jobs.add(VectorJob.make(request, inputs, pooling, reply))

    def score(self, request: int, size: int) -> Scoring:
        scoring = Scoring([0] * size, 0)
        self.jobs.add(ScoreJob(request, scoring, lambda _: Scores(b"", False, [])))
        return scoring

    def step(self) -> dict[int, Any]:
        return dict(self.jobs.step())

    def values(self, event: Any) -> list[float]:
        assert isinstance(event, Answered)
        assert isinstance(event.reply, Embeddings)
        return [float(np.frombuffer(vector, np.float32)[0]) for vector in event.reply.vectors]


def test_inputs_of_several_requests_share_one_call() -> None:
    scene = Scene()
    scene.vectors(1, 10, 11)
    scene.vectors(2, 20)
    scene.vectors(3, 30, 31)
    answered = scene.step()
    assert len(scene.embedder.calls) == 1
    assert {request: scene.values(event) for request, event in answered.items()} == {
        1: [10, 11],
        2: [20],
        3: [30, 31],
    }
    assert scene.jobs.idle


def test_a_short_request_does_not_wait_for_a_long_one() -> None:
    scene = Scene()
    scene.vectors(1, *range(100), size=200)
    scene.vectors(2, *range(100), size=200)
    scene.step()
    scene.vectors(3, 7, size=200)
    steps = 0
    answered: dict[int, Any] = {}
    while 3 not in answered:
        answered = scene.step()
        steps += 1
    assert steps <= 2
    while not scene.jobs.idle:
        answered |= scene.step()
    assert scene.values(answered[1]) == list(range(100)) == scene.values(answered[2])


def test_another_pooling_takes_another_call() -> None:
    scene = Scene()
    scene.vectors(1, 1)
    scene.vectors(2, 2, pooling=Pooling.RANK)
    assert set(scene.step()) == {1}
    assert set(scene.step()) == {2}
    assert [pooling for _, pooling in scene.embedder.calls] == [Pooling.MEAN, Pooling.RANK]


def test_a_call_that_fails_fails_those_in_it_and_no_others() -> None:
    scene = Scene()
    scene.vectors(1, 1)
    scene.vectors(2, 2, pooling=Pooling.LAST)
    scene.embedder.fails = True
    assert {request: type(event) for request, event in scene.step().items()} == {1: Failed}
    scene.embedder.fails = False
    assert set(scene.step()) == {2}


def test_a_prompt_is_read_chunk_by_chunk_beside_the_vectors() -> None:
    scene = Scene()
    scoring = scene.score(1, 6)
    scene.vectors(2, 5)
    assert set(scene.step()) == {2}
    scene.step()
    assert isinstance(scene.step()[1], Answered)
    assert scene.scorer.released == [scoring]
    assert scene.jobs.idle


def test_calls_are_short_while_answers_are_written() -> None:
    scene = Scene()
    scene.vectors(1, *range(10), size=30)
    scene.score(2, 50)
    scene.jobs.step(busy=True)
    assert len(scene.embedder.calls[0][0]) == 2
    scene.jobs.step()
    assert len(scene.embedder.calls[1][0]) == 8
    assert scene.scorer.chunks[0] < scene.scorer.chunks[1]


def test_a_prompt_of_one_token_is_answered_without_a_call() -> None:
    scene = Scene()
    scene.scorer.fails = True
    scene.score(1, 1)
    assert isinstance(scene.step()[1], Answered)


def test_a_prompt_that_cannot_be_read_fails_and_frees_its_memory() -> None:
    scene = Scene()
    scoring = scene.score(1, 6)
    scene.scorer.fails = True
    assert isinstance(scene.step()[1], Failed)
    assert scene.scorer.released == [scoring]
    assert scene.jobs.idle


def test_cancelling_drops_a_job_wherever_it_stands() -> None:
    scene = Scene()
    scene.vectors(1, *range(40), size=200)
    scoring = scene.score(2, 50)
    scene.step()
    assert scene.jobs.cancel(1)
    assert scene.jobs.cancel(2)
    assert not scene.jobs.cancel(3)
    assert scene.scorer.released == [scoring]
    assert scene.jobs.idle
    assert scene.step() == {}
