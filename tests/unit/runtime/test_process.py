"""What only a real process can show; the contract is in test_workers.py."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from llmd.config.settings import PoolSettings
from llmd.config.values import Duration
from llmd.errors import (
    ContextOverflow,
    CorruptFile,
    InvalidRequest,
    LoadFailed,
    QueueFull,
    WorkerDied,
)
from llmd.protocol.events import Delta
from llmd.protocol.models import Activity
from llmd.protocol.requests import (
    ChatPrompt,
    GenerateRequest,
    Overflow,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from llmd.runtime.process import WorkerProcess, worker_environment
from llmd.runtime.supervisor import Cause
from tests.unit.runtime.test_workers import Seen, order

QUESTION = ChatPrompt([{"role": "user", "content": "What is the capital of France?"}])


async def start(path: Path, **settings: object) -> tuple[WorkerProcess, Seen]:
    seen = Seen()
    return await WorkerProcess.start("m", order(path), PoolSettings(**settings), seen.hooks), seen  # type: ignore[arg-type]


async def answer(worker: WorkerProcess, request: GenerateRequest) -> str:
    return "".join(
        [event.text async for event in worker.generate(request) if isinstance(event, Delta)]
    )


async def test_answers_a_conversation_through_the_models_template(tiny_model: Path) -> None:
    worker, seen = await start(tiny_model)
    request = GenerateRequest(prompt=QUESTION, sampling=Sampling(temperature=0))
    assert await answer(worker, request) == "The capital of France is Paris."
    assert seen.progress[-1] == 1.0
    await worker.stop()
    assert not psutil.pid_exists(worker.pid)


async def test_refusals_are_typed_and_leave_the_worker_alone(tiny_model: Path) -> None:
    worker, _ = await start(tiny_model)
    for prompt, kind in (
        (TextPrompt("word " * 5000), ContextOverflow),
        (TextPrompt(""), InvalidRequest),
        (TokenPrompt([99_999]), InvalidRequest),
        (ChatPrompt([]), InvalidRequest),
    ):
        with pytest.raises(kind):
            await answer(worker, GenerateRequest(prompt=prompt))
    assert worker.running == 0
    assert worker.alive
    await worker.stop()


async def test_a_queue_has_an_end(tiny_model: Path) -> None:
    worker, _ = await start(tiny_model)
    endless = GenerateRequest(prompt=QUESTION, ignore_eos=True, overflow=Overflow.SHIFT)
    streams = [worker.generate(endless) for _ in range(10)]
    for stream in streams:
        await anext(stream)
    with pytest.raises(QueueFull):
        await anext(worker.generate(endless))
    for stream in streams:
        await stream.aclose()
    await worker.stop()


async def test_a_damaged_file_fails_with_its_cause(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model.read_bytes()[:3_000_000])
    with pytest.raises(CorruptFile):
        await start(cut)


@pytest.mark.parametrize(
    ("number", "cause"), [(signal.SIGKILL, Cause.KILLED), (signal.SIGSEGV, Cause.NATIVE_ABORT)]
)
async def test_a_death_is_told_to_whoever_waits(
    tiny_model: Path, number: signal.Signals, cause: Cause
) -> None:
    worker, seen = await start(tiny_model)
    stream = worker.generate(
        GenerateRequest(prompt=QUESTION, ignore_eos=True, overflow=Overflow.SHIFT)
    )
    await anext(stream)
    os.kill(worker.pid, number)
    with pytest.raises(WorkerDied) as caught:
        while True:
            await anext(stream)
    assert caught.value.details["cause"] == cause
    assert seen.died == [cause]
    await worker.stop()


async def test_a_worker_that_stands_still_is_killed_as_wedged(tiny_model: Path) -> None:
    worker, seen = await start(tiny_model, stall_timeout=Duration(0.5))
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(WorkerDied):
        await answer(worker, GenerateRequest(prompt=QUESTION))
    assert seen.died == [Cause.WEDGED]
    await worker.stop()


async def test_a_worker_in_one_long_decode_call_is_at_work(tiny_model: Path) -> None:
    seen, length = Seen(), 2048
    load = msgspec.structs.replace(order(tiny_model), parallel=1, kv_tokens=length, batch=length)
    settings = PoolSettings(stall_timeout=Duration(0.2))
    worker = await WorkerProcess.start("m", load, settings, seen.hooks)
    request = GenerateRequest(prompt=TokenPrompt([5] * (length - 8)), max_tokens=1)
    assert [event async for event in worker.generate(request)]
    assert seen.died == []
    await worker.stop()


async def test_a_long_answer_is_no_standstill(tiny_model: Path) -> None:
    worker, _ = await start(tiny_model, stall_timeout=Duration(0.3))
    request = GenerateRequest(prompt=QUESTION, ignore_eos=True, max_tokens=900)
    assert await answer(worker, request)
    assert worker.alive
    await worker.stop()


async def test_a_worker_that_has_answered_does_not_stand_still_however_slow_the_reader(
    tiny_model: Path,
) -> None:
    worker, seen = await start(tiny_model, stall_timeout=Duration(0.2))
    stream = worker.generate(GenerateRequest(prompt=QUESTION))
    await anext(stream)
    await asyncio.sleep(0.8)
    assert [event async for event in stream]
    assert seen.died == []
    await worker.stop()


async def test_loading_that_stands_still_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "never.gguf"
    os.mkfifo(pipe)  # opening it blocks for ever
    with pytest.raises(LoadFailed, match="no progress"):
        await start(pipe, load_timeout=Duration(0.5))


async def test_cancellations_report_how_long_they_took(tiny_model: Path) -> None:
    worker, seen = await start(tiny_model)
    stream = worker.generate(
        GenerateRequest(prompt=QUESTION, ignore_eos=True, overflow=Overflow.SHIFT)
    )
    await anext(stream)
    await stream.aclose()
    assert await answer(worker, GenerateRequest(prompt=QUESTION, max_tokens=2))
    assert len(seen.cancelled) == 1
    await worker.stop()


async def test_what_the_engine_does_is_known_when_it_is_done(tiny_model: Path) -> None:
    worker, _ = await start(tiny_model)
    assert worker.activity == Activity()
    request = GenerateRequest(prompt=QUESTION, sampling=Sampling(temperature=0))
    for _ in range(2):
        await answer(worker, request)
    now = worker.activity
    assert (now.running, now.waiting, now.generated_tokens) == (0, 0, 16)
    assert now.kv_used == now.kv_parked
    assert now.read_tokens + now.reused_tokens == 30
    await worker.stop()


def test_workers_ask_for_huge_pages_unless_it_is_said_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert worker_environment()["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1"
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    found = worker_environment()["GLIBC_TUNABLES"]
    assert found == "glibc.malloc.check=1:glibc.malloc.hugetlb=1"
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    assert worker_environment()["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=0"
