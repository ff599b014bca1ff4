from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from llmd.protocol.models import LoadedModel
from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Parts, Remedy
from llmd.runtime.residence import Coming, Lifetime, Residence
from llmd.runtime.residency import Entry, Stage
from llmd.runtime.room import in_memory, needs, no_room, returned
from tests.fakes.planner import FakePlanner, planned
from tests.fakes.worker import manifest

USE = DeviceUse(device="CUDA0", parts=Parts(weights=60, kv_cache=30))


class Slow(FakePlanner):
    """A driver that takes a moment."""

    def __init__(self, after: float) -> None:
        super().__init__(100, "CUDA0")
        self._at = time.monotonic() + after

    async def rooms(self, loaded: Sequence[LoadedModel]) -> list[DeviceRoom]:
        free = 100 if time.monotonic() > self._at else 10
        return [DeviceRoom(device="CUDA0", total=100, free=free)]


async def test_memory_of_a_device_is_waited_for_until_it_is_back() -> None:
    before = [DeviceRoom(device="CUDA0", total=100, free=10)]
    began = time.monotonic()
    await returned(Slow(0.15), [], [USE], before)
    assert time.monotonic() - began >= 0.15


async def test_main_memory_is_back_with_the_end_of_the_process() -> None:
    before = [DeviceRoom(device="CPU", total=100, free=10)]
    await asyncio.wait_for(returned(Slow(60), [], [USE], before), 0.1)


def test_needs_are_those_of_all_workers_by_device() -> None:
    assert needs([USE, USE], 2) == {"CUDA0": 360}


def test_a_model_that_is_waited_for_takes_no_memory_yet() -> None:
    place = Residence(manifest(), Entry("m"), Lifetime(1.0))
    place.coming = Coming(plan=planned(manifest(), LoadOptions()))
    assert in_memory([place]) == []
    place.entry.stage = Stage.LOADING
    assert [model.name for model in in_memory([place])] == ["m"]


@pytest.mark.parametrize("remedies", [[], [Remedy(text="Take less.")]])
def test_the_error_says_what_would_help(remedies: list[Remedy]) -> None:
    import msgspec

    plan = msgspec.structs.replace(
        planned(manifest(size=7), LoadOptions()),
        fits=False,
        problem="Too large.",
        remedies=remedies,
    )
    error = no_room(plan)
    assert error.message == "Too large."
    assert error.hint.startswith("Take less." if remedies else "Close other programs")
    assert error.details["needed"] == 7
