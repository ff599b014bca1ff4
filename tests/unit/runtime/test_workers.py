"""The contract of `Worker`, held against the real process and against the fake that other tests
use.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import psutil
import pytest

from llmd.config.settings import PoolSettings
from llmd.errors import WorkerDied
from llmd.protocol.events import Accepted, Delta, Finished
from llmd.protocol.frames import Load
from llmd.protocol.questions import Embed, Embeddings
from llmd.protocol.requests import GenerateRequest, Overflow, Sampling, TextPrompt
from llmd.runtime.process import Hooks, WorkerProcess
from llmd.runtime.supervisor import Cause
from llmd.runtime.workers import Worker
from tests.fakes.worker import FakeWorker

PROMPT = TextPrompt("one two three")
GREEDY = Sampling(temperature=0)


class Seen:
    """What the hooks told."""

    def __init__(self) -> None:
        self.progress: list[float] = []
        self.cancelled: list[float] = []
        self.died: list[Cause] = []
        self.shrunk: list[int] = []
        self.stirred = 0
        self.hooks = Hooks(
            progress=self.progress.append,
            cancelled=self.cancelled.append,
            died=lambda cause, _: self.died.append(cause),
            shrunk=self.shrunk.append,
            stirred=self._count,
        )

    def _count(self) -> None:
        self.stirred += 1


def order(path: Path) -> Load:
    return Load(str(path), False, 0, 2, 4096, "f16", 128, 32, 1, 0, 8)


@pytest.fixture(params=["real", "fake"])
async def seen_worker(
    request: pytest.FixtureRequest, tiny_model: Path
) -> AsyncIterator[tuple[Seen, Worker]]:
    seen = Seen()
    worker: Worker
    if request.param == "real":
        worker = await WorkerProcess.start("m", order(tiny_model), PoolSettings(), seen.hooks)
    else:
        worker = FakeWorker("m", seen.hooks)
    yield seen, worker
    await worker.stop()


async def test_an_answer_is_accepted_then_told_then_finished(
    seen_worker: tuple[Seen, Worker],
) -> None:
    _, worker = seen_worker
    events = [
        event
        async for event in worker.generate(
            GenerateRequest(prompt=PROMPT, sampling=GREEDY, max_tokens=3)
        )
    ]
    assert isinstance(events[0], Accepted)
    assert all(isinstance(event, Delta) for event in events[1:-1])
    assert isinstance(events[-1], Finished)
    assert worker.running == 0


async def test_closing_the_answer_cancels_it(seen_worker: tuple[Seen, Worker]) -> None:
    _, worker = seen_worker
    request = GenerateRequest(prompt=PROMPT, ignore_eos=True, overflow=Overflow.SHIFT)
    async with aclosing(worker.generate(request)) as events:
        await anext(events)
        await anext(events)
        assert worker.running == 1
    assert worker.running == 0
    again = [event async for event in worker.generate(GenerateRequest(prompt=PROMPT, max_tokens=2))]
    assert isinstance(again[-1], Finished)


async def test_embedding_gives_one_vector_an_input(seen_worker: tuple[Seen, Worker]) -> None:
    _, worker = seen_worker
    result = await worker.ask(Embed(["a", "b"]), Embeddings)
    assert [len(vector) for vector in result.vectors] == [4 * result.width] * 2


async def test_a_stopped_worker_fails_what_runs_and_what_comes(
    seen_worker: tuple[Seen, Worker],
) -> None:
    seen, worker = seen_worker
    running = worker.generate(
        GenerateRequest(prompt=PROMPT, ignore_eos=True, overflow=Overflow.SHIFT)
    )
    await anext(running)
    await worker.stop()
    await worker.stop()
    with pytest.raises(WorkerDied):
        while True:
            await anext(running)
    assert not worker.alive
    assert seen.died == [Cause.STOPPED]
    with pytest.raises(WorkerDied):
        async for _ in worker.generate(GenerateRequest(prompt=PROMPT)):
            pass
    with pytest.raises(WorkerDied):
        await worker.ask(Embed(["a"]), Embeddings)


async def test_many_answers_at_once(seen_worker: tuple[Seen, Worker]) -> None:
    _, worker = seen_worker

    async def one() -> int:
        request = GenerateRequest(prompt=PROMPT, max_tokens=3)
        return len(
            [event async for event in worker.generate(request) if isinstance(event, Finished)]
        )

    assert await asyncio.gather(*(one() for _ in range(8))) == [1] * 8


async def test_shrinking_says_what_there_was_to_give(seen_worker: tuple[Seen, Worker]) -> None:
    seen, worker = seen_worker
    worker.shrink(1000)
    while not seen.shrunk:
        await asyncio.sleep(0.01)
    assert seen.shrunk == [0]
    await worker.stop()
    worker.shrink(1000)  # nobody is left to do it


async def test_a_worker_computes_until_it_has_answered_however_slow_the_reader(
    seen_worker: tuple[Seen, Worker],
) -> None:
    seen, worker = seen_worker
    assert not worker.computing
    request = GenerateRequest(prompt=PROMPT, sampling=GREEDY, max_tokens=4)
    async with aclosing(worker.generate(request)) as events:
        await anext(events)
        assert worker.computing
        assert seen.stirred == 1
        if isinstance(worker, WorkerProcess):  # the fake waits for its reader
            while worker.computing:
                await asyncio.sleep(0.01)
            assert worker.running == 1
    assert not worker.computing
    assert seen.stirred == 2


async def test_a_process_that_shares_the_cores_has_fewer_threads(tiny_model: Path) -> None:
    load = msgspec.structs.replace(order(tiny_model), threads=6)
    worker = await WorkerProcess.start("m", load, PoolSettings(), Seen().hooks)

    async def threads() -> int:
        request = GenerateRequest(prompt=PROMPT, sampling=GREEDY, max_tokens=4)
        assert [event async for event in worker.generate(request)]
        return psutil.Process(worker.pid).num_threads()

    try:
        few = psutil.Process(worker.pid).num_threads()
        if (alone := await threads()) - few < 5:
            pytest.skip("llama.cpp keeps no threads here: it was built without OpenMP")
        worker.share(2)
        assert alone - await threads() == 3
        worker.share(1)
        assert await threads() == alone
    finally:
        await worker.stop()


async def test_sharing_the_cores_changes_no_answer(seen_worker: tuple[Seen, Worker]) -> None:
    _, worker = seen_worker
    request = GenerateRequest(prompt=PROMPT, sampling=GREEDY, max_tokens=4)
    before = [event async for event in worker.generate(request)]
    worker.share(2)
    worker.share(2)
    after = [event async for event in worker.generate(request)]
    text = [event.text for event in before if isinstance(event, Delta)]
    assert "".join(text) == "".join(event.text for event in after if isinstance(event, Delta))
    await worker.stop()
    worker.share(1)  # nobody is left to do it
