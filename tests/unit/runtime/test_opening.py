from __future__ import annotations

import asyncio
import time

import pytest

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.errors import CorruptFile, LoadFailed, WorkerDied
from llmd.protocol.placement import LoadOptions
from llmd.runtime.opening import Opening
from llmd.runtime.orders import Orders
from llmd.runtime.residence import Coming, Lifetime, Residence, Seat
from llmd.runtime.residency import Entry
from llmd.runtime.supervisor import Cause
from llmd.telemetry.metrics import Metrics
from tests.fakes.moments import moment
from tests.fakes.planner import planned
from tests.fakes.worker import FakeStarts, manifest


def scene(instances: int = 1) -> tuple[FakeStarts, Opening, Residence, list[Seat]]:
    starts, lost = FakeStarts(), list[Seat]()
    opening = Opening(PoolSettings(), Orders(EngineSettings()).load, starts, Metrics())
    opening.lost = lambda _, seat: lost.append(seat)
    place = Residence(manifest(), Entry("m"), Lifetime(1.0))
    options = LoadOptions(instances=instances)
    place.coming = Coming(options, planned(place.manifest, options))
    return starts, opening, place, lost


async def test_all_workers_are_started_and_the_progress_is_that_of_all() -> None:
    starts, opening, place, _ = scene(instances=2)
    starts.gate.clear()
    task = asyncio.ensure_future(opening.open(place))
    await moment()
    assert place.coming.progress == 0.25
    starts.gate.set()
    assert await task >= 0
    assert [seat.live for seat in place.seats] == [True, True]
    assert place.coming.progress == 0.75


async def test_where_one_cannot_be_started_none_is_left_running() -> None:
    starts, opening, place, _ = scene(instances=3)
    original = starts.__class__.__call__
    count = 0

    async def third_fails(*arguments: object) -> object:
        nonlocal count
        count += 1
        if count == 3:
            raise CorruptFile("bad")
        return await original(starts, *arguments)  # type: ignore[arg-type]

    opening._start = third_fails  # type: ignore[assignment]
    with pytest.raises(CorruptFile):
        await opening.open(place)
    assert not any(worker.alive for worker in starts.workers)
    assert place.seats == []


async def test_a_process_that_cannot_be_started_is_a_failed_load() -> None:
    starts, opening, place, _ = scene()
    starts.fail = [OSError(24, "Too many open files")]
    with pytest.raises(LoadFailed) as caught:
        await opening.open(place)
    assert "Too many open files" in caught.value.message


async def test_a_death_is_told_and_mended_in_the_same_seat() -> None:
    starts, opening, place, lost = scene(instances=2)
    await opening.open(place)
    starts.workers[1].die(Cause.KILLED, lived=100)
    assert lost == [place.seats[1]]
    assert not place.seats[1].live
    opening.mend(place, place.seats[1])
    mending = place.seats[1].mending
    assert mending
    await mending
    assert place.seats[1].live
    assert not place.seats[1].reserved


async def test_a_new_worker_is_kept_for_who_must_be_tried_alone() -> None:
    starts, opening, place, _ = scene(instances=2)
    await opening.open(place)
    starts.workers[0].die(Cause.KILLED, lived=100)
    async with place.quarantine:
        opening.mend(place, place.seats[0])
        assert place.seats[0].mending
        await place.seats[0].mending
    assert place.seats[0].reserved


async def test_a_worker_that_cannot_be_replaced_is_tried_again_until_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmd.runtime.opening._FIRST_PAUSE", 0.01)
    starts, opening, place, _ = scene(instances=2)
    await opening.open(place)
    starts.fail = [LoadFailed("no memory just then"), CorruptFile("gone bad")]
    starts.workers[0].die(Cause.OOM, lived=100)
    opening.mend(place, place.seats[0])
    assert place.seats[0].mending
    await place.seats[0].mending
    assert [seat.live for seat in place.seats] == [True, True]
    assert len(starts.workers) == 3


async def test_a_new_worker_that_dies_at_once_is_replaced_by_one_that_does_not() -> None:
    starts, opening, place, _ = scene(instances=2)
    await opening.open(place)
    plain, count = opening._start, 0

    async def first_dies(*arguments: object) -> object:
        nonlocal count
        count += 1
        worker = await plain(*arguments)  # type: ignore[arg-type]
        if count == 1:
            starts.workers[-1].die(Cause.KILLED, lived=100)
        return worker

    opening._start = first_dies  # type: ignore[assignment]
    opening.lost = opening.mend  # as told of every death, also of one that is being mended
    starts.workers[0].die(Cause.KILLED, lived=100)
    assert place.seats[0].mending
    await place.seats[0].mending
    assert [seat.live for seat in place.seats] == [True, True]
    assert len([worker for worker in starts.workers if worker.alive]) == 2


async def test_after_quick_deaths_a_new_worker_waits_but_comes() -> None:
    starts, opening, place, _ = scene(instances=2)
    await opening.open(place)
    for _ in range(5):
        place.backoff.died(0.1, time.monotonic())
    starts.workers[0].die(Cause.KILLED, lived=1)
    opening.mend(place, place.seats[0])
    mending = place.seats[0].mending
    assert mending
    await asyncio.wait([mending], timeout=0.02)
    assert not mending.done()
    mending.cancel()


async def test_workers_that_keep_dying_are_held_back() -> None:
    _, opening, place, _ = scene()
    for _ in range(5):
        place.backoff.died(0.1, time.monotonic())
    with pytest.raises(WorkerDied) as caught:
        await opening.open(place)
    assert caught.value.retry_after
