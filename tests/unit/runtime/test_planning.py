from __future__ import annotations

from llmd.protocol.placement import DeviceRoom, DeviceUse, Parts
from llmd.runtime.planning import freed


def test_what_models_take_comes_back_to_their_devices_and_no_more_than_there_is() -> None:
    rooms = [
        DeviceRoom(device="CUDA0", total=100, free=90),
        DeviceRoom(device="CPU", total=1000, free=10),
    ]
    uses = [
        DeviceUse(device="CUDA0", parts=Parts(weights=30)),
        DeviceUse(device="CPU", parts=Parts(weights=5, compute=1)),
        DeviceUse(device="CPU", parts=Parts(caches=4)),
        DeviceUse(device="gone", parts=Parts(weights=7)),
    ]
    assert [room.free for room in freed(rooms, uses)] == [100, 20]
    assert [room.free for room in rooms] == [90, 10]
