"""What the pool's own tests do not reach: answers of the planner that stop a load."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from llmd.errors import CorruptFile, LlmdError, NoRoom
from llmd.protocol.models import ModelManifest
from llmd.protocol.placement import DeviceRoom, LoadOptions, Plan
from llmd.runtime.arranger import Arranger
from llmd.runtime.residence import Lifetime, Residence, Waiter
from llmd.runtime.residency import Ledger, Stage
from tests.fakes.moments import moment
from tests.fakes.planner import FakePlanner
from tests.fakes.worker import manifest


class Hands:
    """Notes what it is told to do, and does it at once."""

    def __init__(self, ledger: Ledger) -> None:
        self.done: list[str] = []
        self._ledger = ledger

    def begin(self, place: Residence) -> None:
        self.done.append(f"load {place.name}")
        self._ledger.load(place.name)

    def dismiss(self, place: Residence, reason: str) -> None:
        self.done.append(f"{reason} {place.name}")
        self._ledger.leave(place.name)


class Scene:
    def __init__(self, planner: FakePlanner, reserve: int = 0) -> None:
        self.ledger = Ledger(turn=0.0)
        self.places: dict[str, Residence] = {}
        self.hands = Hands(self.ledger)
        self.arranger = Arranger(self.ledger, self.places, planner, self.hands, reserve)

    def ask(self, name: str, size: int) -> Waiter:
        place = self.places.setdefault(
            name,
            Residence(manifest(name, size=size), self.ledger.entry(name), Lifetime(-1.0)),
        )
        waiter = Waiter(asyncio.get_running_loop().create_future())
        if self.ledger.arrive(name, 0.0):
            waiter.turn.set_result(None)
        else:
            place.line.append(waiter)
            self.arranger.poke()
        return waiter

    async def settled(self) -> list[str]:
        await moment(0.02)
        return self.hands.done


async def test_what_fits_is_loaded_and_what_does_not_evicts() -> None:
    scene = Scene(FakePlanner(100))
    scene.ask("a", 60)
    assert await scene.settled() == ["load a"]
    scene.ledger.ready("a", 0.0, 1.0)
    scene.places["a"].admit()
    scene.ledger.depart("a", 0.0)
    scene.ask("b", 60)
    assert await scene.settled() == ["load a", "room a"]
    scene.ledger.gone("a")
    scene.arranger.poke()
    assert (await scene.settled())[-1] == "load b"
    await scene.arranger.close()


async def test_the_reserve_is_not_for_models() -> None:
    scene = Scene(FakePlanner(100), reserve=50)
    waiter = scene.ask("a", 60)
    with pytest.raises(NoRoom):
        await waiter.turn
    assert scene.ledger.entry("a").stage is Stage.ABSENT


async def test_what_cannot_be_planned_fails_for_those_who_wait_for_it_alone() -> None:
    class Picky(FakePlanner):
        async def plan(
            self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
        ) -> Plan:
            if manifest.name == "bad":
                raise CorruptFile("cut short")
            return await super().plan(manifest, options, rooms)

    scene = Scene(Picky(100))
    bad = scene.ask("bad", 1)
    scene.ask("good", 1)
    with pytest.raises(CorruptFile):
        await bad.turn
    assert await scene.settled() == ["load good"]


async def test_a_bug_in_arranging_is_told_to_all_who_wait() -> None:
    class Buggy(FakePlanner):
        async def plan(
            self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
        ) -> Plan:
            raise RuntimeError("a bug")

    scene = Scene(Buggy(100))
    waiters = [scene.ask(name, 1) for name in "ab"]
    for waiter in waiters:
        with pytest.raises(LlmdError):
            await waiter.turn
    assert scene.ledger.waiting == []


async def test_figures_from_before_a_model_went_are_not_used() -> None:
    class Moving(FakePlanner):
        """A model goes while another one is being planned."""

        async def plan(
            self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
        ) -> Plan:
            if scene.ledger.entry("old").stage is Stage.LEAVING:
                scene.ledger.gone("old")
            return await super().plan(manifest, options, rooms)

    scene = Scene(Moving(100))
    scene.ask("old", 100)
    await scene.settled()
    scene.ledger.ready("old", 0.0, 1.0)
    scene.places["old"].admit()
    scene.ledger.leave("old")
    scene.ask("new", 100)
    assert (await scene.settled())[-1] == "load new"


async def test_nothing_is_arranged_once_it_is_closed() -> None:
    scene = Scene(FakePlanner(100))
    await scene.arranger.close()
    scene.ask("a", 1)
    assert await scene.settled() == []
