from __future__ import annotations

import socket
from collections.abc import Sequence

from llmd.protocol.models import Kind, LoadedModel, ModelState
from llmd.protocol.placement import DeviceRoom, DeviceUse, Parts
from llmd.runtime.processor import processor
from llmd.services.machine import Machine
from tests.fakes.planner import FakePlanner
from tests.unit.services.conftest import Bench


class Cards(FakePlanner):
    """A machine with two GPUs."""

    looks = 0

    async def rooms(self, loaded: Sequence[LoadedModel]) -> list[DeviceRoom]:
        self.looks += 1
        return [
            DeviceRoom(device="CUDA0", total=10, free=5, description="NVIDIA A100"),
            DeviceRoom(device="CUDA1", total=10, free=5, description="NVIDIA A10"),
            DeviceRoom(device="CPU", total=10, free=5),
        ]


def loaded(*devices: str, weights: int = 5) -> LoadedModel:
    uses = [DeviceUse(device=device, parts=Parts(weights=weights)) for device in devices]
    return LoadedModel(
        name="m", state=ModelState.READY, kind=Kind.CHAT, pid=1, device="CPU", measured=uses
    )


async def test_devices_are_called_by_their_makers_names(bench: Bench) -> None:
    planner = Cards()
    machine = Machine(planner, bench.pool)
    assert await machine.hardware(loaded("CUDA0")) == "NVIDIA A100"
    assert await machine.hardware(loaded("CUDA1", "CPU")) == f"NVIDIA A10 + {processor()}"
    assert await machine.hardware(loaded("CUDA0")) == "NVIDIA A100"
    assert planner.looks == 2


async def test_a_device_that_is_gone_is_called_as_the_library_does(bench: Bench) -> None:
    assert await Machine(Cards(), bench.pool).hardware(loaded("Vulkan3")) == "Vulkan3"


async def test_a_device_without_weights_does_not_hold_the_model(bench: Bench) -> None:
    assert await Machine(Cards(), bench.pool).hardware(loaded("CUDA0", weights=0)) == processor()


async def test_a_machine_is_called_by_its_host_name(bench: Bench) -> None:
    assert Machine(Cards(), bench.pool).node == socket.gethostname()
    assert Machine(Cards(), bench.pool, "n").node == "n"


async def test_rooms_are_those_of_the_planner(bench: Bench) -> None:
    rooms = await Machine(Cards(), bench.pool).rooms()
    assert [room.device for room in rooms] == ["CUDA0", "CUDA1", "CPU"]
