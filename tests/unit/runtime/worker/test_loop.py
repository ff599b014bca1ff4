"""What the worker does with requests before the engine has them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import InvalidRequest
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

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.sampler = CountingSampler()
        self.sent: list[FromWorker] = []
        ready = SimpleNamespace(gpu_layers=0)
        opened: Any = SimpleNamespace(
            engine=None, embedder=None, scorer=None, media=None, ready=ready
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
