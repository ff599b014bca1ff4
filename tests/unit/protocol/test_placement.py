from __future__ import annotations

import msgspec

from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Parts, Plan, Remedy


def test_parts_add_up() -> None:
    assert Parts(weights=1, kv_cache=2, compute=4, caches=8, draft=16).total == 31
    assert Parts(projector=1, process=2).total == 3


def test_parts_that_are_nothing_are_not_told() -> None:
    use = DeviceUse(device="CPU", parts=Parts(weights=5))
    assert msgspec.to_builtins(use)["parts"] == {"weights": 5}


def test_a_plan_comes_through_json() -> None:
    plan = Plan(
        model="m",
        fits=False,
        uses=[DeviceUse(device="CPU", parts=Parts(weights=5), mapped=5)],
        rooms=[DeviceRoom(device="CPU", total=9, free=4, others=None)],
        context_length=1,
        parallel=2,
        kv_tokens=3,
        kv_type="f16",
        layers=4,
        tensor_split=[1.0],
        problem="no",
        remedies=[Remedy(text="less", options=LoadOptions(parallel=1))],
    )
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
