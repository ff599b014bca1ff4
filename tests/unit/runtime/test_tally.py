from __future__ import annotations

import os

from llmd.protocol.models import Activity
from llmd.protocol.placement import DeviceUse, Parts
from llmd.runtime.tally import filled, resident, summed, times, together


def use(device: str, weights: int, mapped: int = 0) -> DeviceUse:
    return DeviceUse(device=device, parts=Parts(weights=weights, process=1), mapped=mapped)


def test_one_engine_is_told_as_it_is() -> None:
    one = Activity(running=1, estimated_wait=2.0)
    assert together([one]) is one


def test_several_engines_add_up_and_the_quickest_one_is_the_wait() -> None:
    both = together(
        [
            Activity(running=1, estimated_wait=2.0, drafted_tokens=4, accepted_tokens=1),
            Activity(running=2, estimated_wait=0.5, drafted_tokens=4, accepted_tokens=3),
        ]
    )
    assert (both.running, both.estimated_wait, both.draft_acceptance) == (3, 0.5, 0.5)


def test_uses_are_multiplied_and_added_by_device() -> None:
    assert times(use("CPU", 5, 5), 1) == use("CPU", 5, 5)
    twice = times(use("CPU", 5, 4), 2)
    assert (twice.parts.total, twice.mapped) == (12, 8)
    found = summed([use("CUDA0", 3), use("CPU", 5, 5), use("CPU", 7, 1)])
    assert [(one.device, one.parts.weights, one.mapped) for one in found] == [
        ("CUDA0", 3, 0),
        ("CPU", 12, 6),
    ]


def test_the_resident_set_of_a_process_that_is_gone_is_nothing() -> None:
    assert resident(os.getpid()) > 1_000_000
    assert resident(0) == 0
    assert resident(2**22 - 1) == 0


def test_caches_are_shown_as_full_as_they_are() -> None:
    uses = [
        DeviceUse(device="CUDA0", parts=Parts(weights=5)),
        DeviceUse(device="CPU", parts=Parts(weights=7, caches=100)),
    ]
    assert [use.parts.caches for use in filled(uses, 30)] == [0, 30]
    assert [use.parts.weights for use in filled(uses, 30)] == [5, 7]
