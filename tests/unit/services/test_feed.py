from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from llmd.errors import Draining
from llmd.protocol.feed import Snapshot
from llmd.protocol.integrity import DiskRoom
from llmd.protocol.placement import DeviceRoom
from llmd.protocol.reports import StatusReport
from llmd.services.feed import Feed, Sources
from tests.unit.services.conftest import Bench

GB = 10**9


class Rooms:
    """Devices that take their time."""

    def __init__(self, *rooms: DeviceRoom) -> None:
        self.rooms = [*rooms, DeviceRoom(device="CPU", total=8 * GB, free=GB)]
        self.looks = 0
        self.may = asyncio.Event()
        self.may.set()
        self.failure: OSError | None = None

    async def __call__(self) -> list[DeviceRoom]:
        self.looks += 1
        await self.may.wait()
        if self.failure:
            raise self.failure
        return self.rooms


@pytest.fixture
def rooms() -> Rooms:
    return Rooms(DeviceRoom(device="CUDA0", total=8 * GB, free=3 * GB, others=0, description="A"))


@pytest.fixture
def make(bench: Bench, rooms: Rooms) -> Callable[..., Feed]:
    def make(period: float = 0.01) -> Feed:
        services = bench.services
        return Feed(
            Sources(
                status=services.status,
                requests=services.requests,
                pulls=services.pulls,
                quantization=services.quantization,
                deployments=services.deployments,
                rooms=rooms,
                disk=services.upkeep.room,
            ),
            period,
        )

    return make


async def take(feed: Feed, count: int) -> list[Snapshot]:
    found = []
    async with aclosing(feed.watch()) as snapshots:
        async for snapshot in snapshots:
            found.append(snapshot)
            if len(found) == count:
                break
    return found


async def test_snapshots_are_made_while_somebody_watches_and_not_otherwise(
    make: Callable[..., Feed],
) -> None:
    feed = make()
    assert not feed.watched
    async with aclosing(feed.watch()) as snapshots:
        first = await anext(snapshots)
        assert feed.watched
        assert first.status.state == "running"
        assert len(first.history.moments) == 1
        second = await anext(snapshots)
        assert second.at >= first.at
        assert len(second.history.moments) == 2
    assert not feed.watched


async def test_all_watchers_get_the_same_snapshot(make: Callable[..., Feed]) -> None:
    feed = make(period=0.05)
    async with aclosing(feed.watch()) as one, aclosing(feed.watch()) as other:
        assert await anext(one) is await anext(other)
        assert await anext(one) is await anext(other)
        await one.aclose()
        assert feed.watched
        await anext(other)
    assert not feed.watched


async def test_gpus_are_looked_at_beside_and_never_waited_for(
    make: Callable[..., Feed], rooms: Rooms
) -> None:
    rooms.may.clear()
    async with aclosing(make().watch()) as snapshots:
        assert (await anext(snapshots)).machine.gpus == []
        assert (await anext(snapshots)).machine.gpus == []
        rooms.may.set()
        async for snapshot in snapshots:
            if snapshot.machine.gpus:
                break
        (gpu,) = snapshot.machine.gpus
        assert (gpu.device, gpu.total, gpu.free) == ("CUDA0", 8 * GB, 3 * GB)
        await anext(snapshots)
    assert rooms.looks == 1  # not with every snapshot


async def test_a_machine_whose_gpus_cannot_be_looked_at_is_watched_all_the_same(
    make: Callable[..., Feed], rooms: Rooms
) -> None:
    rooms.failure = OSError("too many files")
    assert [snapshot.machine.gpus for snapshot in await take(make(), 3)] == [[], [], []]


async def test_the_disk_is_looked_at_beside_and_may_be_gone(
    make: Callable[..., Feed], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(make().watch()) as snapshots:
        async for snapshot in snapshots:
            if snapshot.machine.disk.total:
                break
    assert 0 < snapshot.machine.disk.free <= snapshot.machine.disk.total

    async def gone() -> DiskRoom:
        raise OSError("no such device")

    monkeypatch.setattr(bench.services.upkeep, "room", gone)
    assert [snapshot.machine.disk for snapshot in await take(make(), 3)] == [DiskRoom()] * 3


async def test_requests_under_way_and_ended_ones_are_in_it(
    make: Callable[..., Feed], bench: Bench
) -> None:
    bench.starts.held = True
    generation = bench.services.generation
    from llmd.protocol.requests import GenerateRequest, TextPrompt

    model = generation.resolve(None)
    answer = generation.stream(model, [GenerateRequest(prompt=TextPrompt("a b"))])
    async with aclosing(answer) as events:
        await anext(events)
        (snapshot,) = await take(make(), 1)
        assert [one.model for one in snapshot.requests.live] == ["llmd-tiny"]
        assert [one.name for one in snapshot.models] == ["llmd-tiny"]
    (snapshot,) = await take(make(), 1)
    assert [str(one.state) for one in snapshot.requests.ended] == ["cancelled"]


async def test_after_a_look_that_failed_the_next_snapshot_comes(
    make: Callable[..., Feed], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> StatusReport:
        monkeypatch.undo()
        raise OSError(24, "Too many open files")

    async with aclosing(make().watch()) as snapshots:
        first = await anext(snapshots)
        monkeypatch.setattr(bench.services.status, "report", failing)
        assert (await asyncio.wait_for(anext(snapshots), 5)).at > first.at
        assert bench.services.status.report != failing


async def test_watchers_end_with_the_daemon(make: Callable[..., Feed]) -> None:
    feed = make()

    async def rest(snapshots: AsyncGenerator[Snapshot]) -> int:
        return len([snapshot async for snapshot in snapshots])

    snapshots = feed.watch()
    await anext(snapshots)
    watching = asyncio.ensure_future(rest(snapshots))
    await asyncio.sleep(0)
    await feed.close()
    await asyncio.wait_for(watching, 5)
    with pytest.raises(Draining):
        await anext(feed.watch())
