"""Running a source program: a stand-in module takes the hub's place."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from llmd.errors import DownloadFailed, NoRoom
from llmd.models.child import Throttle, running
from llmd.models.sources.lines import Fetched, Go, Pace, Progress, Terms, Told

STAND_IN = """
import sys, time
what = sys.argv[1]
print('{"type": "progress", "status": "resolving"}', flush=True)
if what == "well":
    print('{"type":"fetched","files":["/m"],"repo":"a/b","revision":"r","selector":"Q8_0","fresh":true}')
if what == "fails":
    print('{"type":"failed","error":{"code":"no_room","message":"full","hint":"","param":null,"details":{}}}')
if what == "dies":
    sys.stderr.write("first\\nlast words\\n")
    sys.exit(3)
if what == "listens":
    first, second = __import__("os").environ["LLMD_TRANSFER_TERMS"], sys.stdin.readline().strip()
    print('{"type":"fetched","files":[],"repo":"","revision":%s,"selector":%s,"fresh":true}' % (
        __import__("json").dumps(first), __import__("json").dumps(second)))
if what == "stays":
    open(sys.argv[2], "w").write(str(__import__("os").getpid()))
    print('{"type": "progress", "status": "downloading"}', flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "stand_in_source.py").write_text(STAND_IN)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    )
    return "stand_in_source"


async def test_its_lines_are_given_in_order(module: str) -> None:
    async with running(module, "well") as lines:
        first, last = [line async for line in lines]
    assert first == Progress("resolving")
    assert last == Fetched(["/m"], "a/b", "r", "Q8_0", fresh=True)


async def test_its_error_is_raised_as_what_it_was(module: str) -> None:
    with pytest.raises(NoRoom, match="full"):
        async with running(module, "fails") as lines:
            assert len([line async for line in lines]) == 1


async def test_a_death_without_a_word_is_reported_with_its_last_ones(module: str) -> None:
    with pytest.raises(DownloadFailed, match="exit code 3") as failure:
        async with running(module, "dies") as lines:
            assert len([line async for line in lines]) == 1
    assert failure.value.details["last_words"] == "last words"


async def test_leaving_kills_it(module: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    async with running(module, "stays", str(note)) as lines:
        async for line in lines:
            if isinstance(line, Progress) and line.status == "downloading":
                break
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


async def test_cancelling_kills_it(module: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"

    async def watch() -> None:
        async with running(module, "stays", str(note)) as lines:
            async for _ in lines:
                pass

    task = asyncio.ensure_future(watch())
    while not (note.exists() and note.read_text()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


async def test_it_is_told_its_terms_and_how_quickly_it_may_go(module: str) -> None:
    throttle = Throttle(70)
    async with running(module, "listens", throttle=throttle, terms=Terms(connections=2)) as lines:
        await anext(lines)
        throttle.set(70)
        throttle.set(900)
        result = await anext(lines)
    assert isinstance(result, Fetched)
    assert msgspec.json.decode(result.revision, type=Terms) == Terms(connections=2, limit=70)
    assert msgspec.json.decode(result.selector, type=Pace) == Pace(900)
    throttle.set(5)
    assert throttle.limit == 5


async def test_it_is_told_when_it_may_fetch(module: str) -> None:
    throttle = Throttle()
    throttle.go()  # to nobody
    async with running(module, "listens", throttle=throttle) as lines:
        await anext(lines)
        throttle.go()
        result = await anext(lines)
    assert isinstance(result, Fetched)
    assert msgspec.json.decode(result.selector, type=Told) == Go()
