from __future__ import annotations

from collections.abc import Collection

import pytest

from llmd.protocol.devices import Gpu, Sighting
from llmd.runtime.devices import CPU, Devices
from llmd.runtime.main_memory import MainMemory
from llmd.runtime.nvidia import Usage

MEMORY = MainMemory(1000, 600)


class Seen(Devices):
    """Devices that a test says are there."""

    def __init__(self, *gpus: Gpu, told: Usage | None = None) -> None:
        super().__init__(lambda: MEMORY, self.tell)
        self.sighting: Sighting | None = Sighting(list(gpus), "AVX2 = 1")
        self.looks = 0
        self.told = told
        self.ours: list[Collection[int]] = []

    def tell(self, bus: str, ours: Collection[int]) -> Usage | None:
        assert bus
        self.ours.append(ours)
        return self.told

    async def _look(self) -> Sighting | None:
        self.looks += 1
        return self.sighting


async def test_this_machine_has_main_memory_and_a_cpu_with_features() -> None:
    devices = Devices()
    assert "CPU" in await devices.features()
    *_, main = await devices.rooms()
    assert main.device == CPU
    assert 0 < main.free <= main.total


async def test_the_cpu_comes_last_and_is_looked_at_each_time() -> None:
    devices = Seen(Gpu("CUDA0", "A card", 100, 70))
    rooms = await devices.rooms()
    assert [(room.device, room.total, room.free) for room in rooms] == [
        ("CUDA0", 100, 70),
        (CPU, 1000, 600),
    ]
    assert rooms[0].description == "A card"


async def test_nvml_knows_better_what_is_free_and_who_uses_the_rest() -> None:
    devices = Seen(Gpu("CUDA0", "A card", 100, 70, "0000:c1:00.0"), told=Usage(100, 40, 25))
    (gpu, _) = await devices.rooms([7])
    assert (gpu.free, gpu.others) == (40, 25)
    assert [7] in devices.ours


async def test_machines_without_gpus_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = Seen()
    await devices.rooms()
    await devices.rooms()
    assert devices.looks == 1


async def test_what_another_process_saw_soon_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("llmd.runtime.devices.time.monotonic", lambda: now)
    devices = Seen(Gpu("MTL0", "Metal", 100, 70))
    await devices.rooms()
    now += 1
    await devices.rooms()
    assert devices.looks == 1
    now += 10
    devices.sighting = Sighting([Gpu("MTL0", "Metal", 100, 20)], "")
    assert (await devices.rooms())[0].free == 20
    now += 10
    devices.sighting = None  # the process died: what was known stands
    assert (await devices.rooms())[0].free == 20


async def test_with_nvml_nobody_needs_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("llmd.runtime.devices.time.monotonic", lambda: now)
    devices = Seen(Gpu("CUDA0", "A card", 100, 70, "0000:c1:00.0"), told=Usage(100, 40, 25))
    await devices.rooms()
    now += 60
    await devices.rooms()
    assert devices.looks == 1


async def test_a_process_that_says_nothing_sensible_is_no_sighting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmd.runtime.devices.sys.executable", "/bin/true")
    (main,) = await Devices(lambda: MEMORY).rooms()
    assert main.free == 600
