"""What the pool's own tests do not reach: ends that nobody planned."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.errors import LlmdError
from llmd.protocol.frames import Load
from llmd.protocol.models import LoadedModel
from llmd.protocol.placement import DeviceRoom, LoadOptions
from llmd.runtime.opening import Opening
from llmd.runtime.orders import Orders
from llmd.runtime.process import Hooks
from llmd.runtime.residence import Coming, Lifetime, Residence, Seat, Waiter
from llmd.runtime.residency import Ledger, Stage
from llmd.runtime.supervisor import Cause
from llmd.runtime.turnover import Turnover
from llmd.telemetry.metrics import Metrics
from tests.fakes.moments import moment
from tests.fakes.planner import FakePlanner, planned
from tests.fakes.worker import FakeStarts, FakeWorker, manifest


class Broken(FakePlanner):
    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason

    async def rooms(self, loaded: Sequence[LoadedModel]) -> list[DeviceRoom]:
        raise self.reason


class Deadly(FakeStarts):
    """The first worker dies while the second is being started."""

    async def __call__(
        self, name: str, load: Load, settings: PoolSettings, hooks: Hooks
    ) -> FakeWorker:
        worker = await super().__call__(name, load, settings, hooks)
        if len(self.workers) == 2:
            self.workers[0].die(Cause.KILLED, lived=100)
        return worker


class Scene:
    def __init__(self, planner: FakePlanner, starts: FakeStarts | None = None) -> None:
        self.starts = starts or FakeStarts()
        self.ledger = Ledger()
        self.places: dict[str, Residence] = {}
        self.metrics = Metrics()
        opening = Opening(PoolSettings(), Orders(EngineSettings()).load, self.starts, self.metrics)
        self.turnover = Turnover(self.ledger, self.places, opening, planner, self.metrics)
        self.poked = 0
        self.turnover.poke = self.poke

    def poke(self) -> None:
        self.poked += 1

    def place(self, name: str) -> Residence:
        place = Residence(manifest(name), self.ledger.entry(name), Lifetime(-1.0))
        place.coming = Coming(plan=planned(place.manifest, LoadOptions()))
        self.places[name] = place
        return place

    async def load(self, name: str) -> Residence:
        place = self.place(name)
        self.turnover.begin(place)
        assert place.coming.task
        await place.coming.task
        return place


async def test_a_load_is_counted_learnt_from_and_told_to_those_who_need_room() -> None:
    planner = FakePlanner()
    scene = Scene(planner)
    place = await scene.load("a")
    assert place.entry.stage is Stage.READY
    assert planner.learnt == ["a"]
    await asyncio.sleep(0)
    assert scene.poked
    assert b'llmd_model_loads_total{model="a",outcome="loaded"} 1.0' in scene.metrics.render()


@pytest.mark.parametrize("reason", [LlmdError("no"), OSError(24, "Too many open files")])
async def test_a_model_and_its_worker_go_even_when_the_devices_cannot_be_looked_at(
    reason: Exception,
) -> None:
    scene = Scene(Broken(reason))
    place = await scene.load("a")
    scene.ledger.arrive("b", 0.0)
    scene.turnover.dismiss(place, "room")
    assert place.departure
    await place.departure
    assert place.entry.stage is Stage.ABSENT
    assert not scene.starts.workers[0].alive
    assert scene.poked


async def test_a_bug_while_loading_leaves_nobody_waiting() -> None:
    scene = Scene(FakePlanner())
    scene.starts.fail = [RuntimeError("a bug")]
    place = scene.place("a")
    waiter = Waiter(asyncio.get_running_loop().create_future())
    place.line.append(waiter)
    scene.ledger.arrive("a", 0.0)
    scene.turnover.begin(place)
    with pytest.raises(LlmdError):
        await waiter.turn
    assert (place.entry.stage, place.entry.waiting) == (Stage.ABSENT, 0)


async def test_the_last_worker_that_dies_takes_the_model_with_it() -> None:
    scene = Scene(FakePlanner())
    place = await scene.load("a")
    scene.starts.workers[0].die(lived=100)
    assert (place.entry.stage, place.seats) == (Stage.ABSENT, [])


async def test_a_worker_that_dies_while_others_are_started_is_replaced() -> None:
    scene = Scene(FakePlanner(), Deadly())
    place = scene.place("a")
    place.coming.options = LoadOptions(instances=2)
    scene.turnover.begin(place)
    assert place.coming.task
    await place.coming.task
    assert [seat.live for seat in place.seats] == [False, True]
    assert place.seats[0].mending
    await place.seats[0].mending
    assert [seat.live for seat in place.seats] == [True, True]


async def test_a_replacement_that_ends_when_its_model_was_loaded_anew_is_no_death_of_that() -> None:
    scene = Scene(FakePlanner())
    place = await scene.load("a")
    orphan = Seat(1)
    scene.turnover._lost(place, orphan)
    assert orphan.mending is None


async def test_what_is_being_saved_can_be_cut_short() -> None:
    scene = Scene(FakePlanner())
    place = await scene.load("a")
    worker = scene.starts.workers[0]
    saving = asyncio.Event()

    async def retire() -> None:
        await saving.wait()

    worker.retire = retire  # type: ignore[method-assign]
    scene.turnover.dismiss(place, "asked")
    await moment()
    await scene.turnover.hurry()
    assert not worker.alive
    saving.set()
    await scene.turnover.emptied(place, "asked")
    assert place.entry.stage is Stage.ABSENT
