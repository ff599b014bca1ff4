"""The quantising program in its own process: what it says arrives, and leaving ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from llmd.errors import CorruptFile, QuantizeFailed
from llmd.protocol.quantization import Advanced, QuantizeOrder, Recipe, Said, Sized, Survey, Written
from llmd.runtime.quantizer import running
from tests.fakes import processes


def order(source: Path, folder: Path, kind: str = "Q4_K_M") -> QuantizeOrder:
    folder.mkdir(exist_ok=True)
    recipe = Recipe(type=kind, threads=1)
    return QuantizeOrder(source=str(source), folder=str(folder), stem="new", recipe=recipe)


def programs() -> list[psutil.Process]:
    return processes.running("llmd.runtime.worker.quantize")


async def test_lines_arrive_until_the_model_is_written(f16_model: Path, tmp_path: Path) -> None:
    said: list[Said] = []
    async with running(order(f16_model, tmp_path / "out")) as lines:
        async for line in lines:
            said.append(line)
            if isinstance(line, Sized):
                [program] = programs()
                assert program.nice() >= 10
    assert isinstance(said[0], Sized)
    assert any(isinstance(line, Advanced) for line in said)
    assert isinstance(said[-1], Written)
    assert Path(said[-1].files[0]).exists()
    assert programs() == []


async def test_leaving_in_the_middle_ends_the_process(f16_model: Path, tmp_path: Path) -> None:
    async with running(order(f16_model, tmp_path / "out")) as lines:
        assert isinstance(await anext(lines), Sized)
        [program] = programs()
    assert not program.is_running()


async def test_being_cancelled_ends_the_process(f16_model: Path, tmp_path: Path) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with running(order(f16_model, tmp_path / "out", "Q2_K")) as lines:
            async for _ in lines:
                started.set()

    task = asyncio.ensure_future(work())
    await started.wait()
    [program] = programs()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not program.is_running()


async def test_a_process_that_is_killed_is_told_of(f16_model: Path, tmp_path: Path) -> None:
    with pytest.raises(QuantizeFailed, match=r"without an answer \(signal 9\)") as caught:
        async with running(order(f16_model, tmp_path / "out", "Q2_K")) as lines:
            async for _ in lines:
                for program in programs():
                    os.kill(program.pid, signal.SIGKILL)
    assert "memory" in caught.value.hint


async def test_an_error_arrives_as_itself(tmp_path: Path) -> None:
    broken = tmp_path / "m.gguf"
    broken.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(CorruptFile):
        async with running(order(broken, tmp_path / "out")) as lines:
            async for _ in lines:
                pass


async def test_a_survey_that_somebody_waits_for_does_not_give_way(f16_model: Path) -> None:
    async with running(Survey(source=str(f16_model), types=["Q8_0"] * 2000)) as lines:
        await anext(lines)
        [program] = programs()
        assert program.nice() == psutil.Process().nice()


async def test_a_survey_ends_by_itself(f16_model: Path) -> None:
    async with running(Survey(source=str(f16_model), types=["Q8_0"])) as lines:
        said = [line async for line in lines]
    assert [type(line).__name__ for line in said] == ["Sized", "Surveyed"]
