from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from llmd.errors import Draining, NotFound
from llmd.services.logbook import Batch, Logbook
from tests.fakes.moments import moment

LINE = '{{"timestamp":"2026-01-01T00:00:00Z","level":"info","logger":"pool","event":"{}"}}\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "daemon.log"
    path.write_text("".join(LINE.format(f"old {number}") for number in range(5)))
    return path


def add(path: Path, *events: str) -> None:
    with path.open("a") as file:
        file.writelines(LINE.format(event) for event in events)


def said(batch: Batch) -> list[str]:
    return [entry.event for entry in batch.entries]


async def test_the_last_lines_come_first_then_those_that_are_written(log: Path) -> None:
    async with aclosing(Logbook(log, 0.01).watch(2)) as batches:
        first = await anext(batches)
        assert (said(first), first.fresh) == (["old 3", "old 4"], True)
        add(log, "new")
        second = await anext(batches)
        assert (said(second), second.fresh) == (["new"], False)


async def test_a_rotation_loses_nothing(log: Path) -> None:
    async with aclosing(Logbook(log, 0.01).watch(0)) as batches:
        await anext(batches)
        add(log, "last")
        log.rename(log.with_name("daemon.log.1"))
        add(log, "first")
        told = said(await anext(batches))
        while len(told) < 2:
            told += said(await anext(batches))
        assert told == ["last", "first"]


async def test_one_who_comes_back_goes_on_where_they_were(log: Path) -> None:
    logbook = Logbook(log, 0.01)
    async with aclosing(logbook.watch(1)) as batches:
        place = (await anext(batches)).place
    add(log, "missed")
    async with aclosing(logbook.watch(1, place)) as batches:
        again = await anext(batches)
        assert (said(again), again.fresh) == (["missed"], False)


async def test_a_place_that_nobody_knows_any_more_begins_anew(log: Path) -> None:
    async with aclosing(Logbook(log, 0.01).watch(1, (1, 10**12))) as batches:
        assert (await anext(batches)).fresh


async def test_much_that_was_missed_is_not_told(log: Path) -> None:
    logbook = Logbook(log, 0.01)
    async with aclosing(logbook.watch(1)) as batches:
        place = (await anext(batches)).place
    add(log, *("x" * 1000 for _ in range(5000)))
    async with aclosing(logbook.watch(3, place)) as batches:
        first = await anext(batches)
        assert (len(first.entries), first.fresh) == (3, True)


async def test_a_burst_comes_in_pieces(log: Path) -> None:
    async with aclosing(Logbook(log, 0.01).watch(0)) as batches:
        await anext(batches)
        add(log, *map(str, range(1200)))
        sizes = [len((await anext(batches)).entries) for _ in range(3)]
    assert sizes == [500, 500, 200]


async def test_watchers_are_let_go_at_the_end(log: Path) -> None:
    logbook = Logbook(log, 60)
    async with aclosing(logbook.watch(1)) as batches:
        await anext(batches)
        waiting = asyncio.ensure_future(anext(batches, None))
        await moment(0.05)
        logbook.close()
        assert await asyncio.wait_for(waiting, 5) is None
    with pytest.raises(Draining):
        await anext(logbook.watch(1))


async def test_one_who_leaves_leaves_no_open_file(log: Path) -> None:
    async with aclosing(Logbook(log, 60).watch(1)) as batches:
        await anext(batches)
        waiting = asyncio.ensure_future(anext(batches))
        await moment(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert str(log) not in {str(path.resolve()) for path in _open_files()}


async def test_files_are_listed_newest_first_and_no_others_found(log: Path) -> None:
    log.with_name("daemon.log.10").write_text("ten")
    log.with_name("daemon.log.2").write_text("two")
    log.with_name("daemon.log.old").write_text("somebody's own")
    logbook = Logbook(log)
    assert [file.name for file in await logbook.files()] == [
        "daemon.log",
        "daemon.log.2",
        "daemon.log.10",
    ]
    assert await logbook.find("daemon.log.2") == log.with_name("daemon.log.2")
    for name in ("daemon.log.old", "../daemon.log", "daemon.log.1", ""):
        with pytest.raises(NotFound):
            await logbook.find(name)


async def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "daemon.log"
    assert await Logbook(log).files() == []
    async with aclosing(Logbook(log, 0.01).watch(9)) as batches:
        assert said(await anext(batches)) == []
        log.parent.mkdir()
        add(log, "first")
        assert said(await anext(batches)) == ["first"]


def _open_files() -> list[Path]:
    return [Path(file.path) for file in psutil.Process().open_files()]
