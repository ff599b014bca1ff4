"""What the worker does with requests before the engine has them, and with tokens behind it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import InvalidRequest
from llmd.protocol.events import Delta
from llmd.protocol.frames import Batch, Cancel, Failed, Generate, Log
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.runtime.worker.loop import Worker

if TYPE_CHECKING:
    from llmd.protocol.frames import FromWorker


class CountingSampler(GreedySampler):
    """Counts how often it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


class Bench:
    """A worker whose requests become sequences, or raise `fault`; `sent` is what it said."""

    def __init__(self, engine: object = None) -> None:
        self.fault: Exception | None = None
        self.sampler = CountingSampler()
        self.sent: list[FromWorker] = []
        ready = SimpleNamespace(gpu_layers=0)
        opened: Any = SimpleNamespace(
            engine=engine, embedder=None, scorer=None, media=None, ready=ready
        )
        others: Any = SimpleNamespace(sequence=self.sequence, send=self.sent.append)
        self.worker = Worker(opened, others, others, others)

    def sequence(self, frame: Generate) -> Sequence:
        if self.fault:
            raise self.fault
        return Sequence(frame.id, [1], self.sampler, TextStream(), Timing(0.0), max_tokens=9)

    def ask(self, request: int) -> None:
        self.worker.take(Generate(request, GenerateRequest(prompt=TextPrompt("x"))))
        self.worker.prepare_next()

    @property
    def failed(self) -> list[tuple[int, str]]:
        """Requests that failed, and the codes of their errors."""
        return [
            (request, event.error["code"])
            for frame in self.sent
            if isinstance(frame, Batch)
            for request, event in frame.events
            if isinstance(event, Failed)
        ]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_refused_request_fails_with_what_is_wrong_with_it(bench: Bench) -> None:
    bench.fault = InvalidRequest("no")
    bench.ask(1)
    assert bench.failed == [(1, "invalid_request")]
    assert len(bench.sent) == 1


def test_a_fault_fails_the_request_it_met_alone_and_is_logged(bench: Bench) -> None:
    bench.fault = OverflowError("too large")
    bench.ask(1)
    bench.fault = None
    bench.ask(2)
    assert bench.failed == [(1, "internal_error")]
    (log,) = (frame for frame in bench.sent if isinstance(frame, Log))
    assert log.level == "error"
    assert log.text.startswith("Traceback")
    assert "OverflowError: too large" in log.text


def test_a_request_that_is_cancelled_before_the_engine_has_it_leaves_nothing(bench: Bench) -> None:
    bench.ask(1)
    bench.worker.take(Cancel(1))
    bench.worker._obey()
    assert bench.sampler.closed == 1
    assert not bench.failed


class SteadyEngine:
    """Writes a token of each of eight answers a step, and nothing else."""

    idle = stuck = False
    steady = True
    warm = fetch = None

    def step(self) -> list[tuple[int, Delta]]:
        return [(request, Delta("a", 1)) for request in range(8)]

    def cancel(self, request: int) -> bool:
        return request < 8


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A worker that is writing, by a clock on which steps are quick, and has just sent its
    figures.
    """
    clock = itertools.count(100.0, 0.0005)
    monkeypatch.setattr("llmd.runtime.worker.loop.time", SimpleNamespace(monotonic=clock.__next__))
    bench = Bench(SteadyEngine())
    bench.worker._report_at = float("inf")
    return bench


def sent_tokens(bench: Bench) -> int:
    return sum(len(frame.events) for frame in bench.sent if isinstance(frame, Batch))


def test_tokens_of_quick_steps_go_together_and_none_is_lost(writing: Bench) -> None:
    for _ in range(200):
        writing.worker.run_once()
    assert len(writing.sent) < 50
    assert sent_tokens(writing) + len(writing.worker._held) == 200 * 8


def test_how_long_a_cancellation_took_is_told_at_once_behind_the_tokens_before(
    writing: Bench,
) -> None:
    for _ in range(3):
        writing.worker.run_once()
    before = len(writing.worker._held)
    told = sent_tokens(writing)
    writing.worker.take(Cancel(1))
    writing.worker.run_once()
    batches = [frame for frame in writing.sent if isinstance(frame, Batch)]
    assert [len(batch.cancel_seconds) for batch in batches].count(1) == 1
    assert batches[-1].cancel_seconds
    assert sent_tokens(writing) == told + before + 8
    assert not writing.worker._held
