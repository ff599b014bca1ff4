from __future__ import annotations

from llmd.protocol.feed import MachineLoad
from llmd.protocol.reports import RequestList
from llmd.services.history import Past, first_tokens
from tests.fakes.snapshots import loaded, request

MACHINE = MachineLoad(cpu=50.04, memory_used=7)
NOTHING = RequestList([], [])


def test_moments_line_up_and_the_oldest_leave() -> None:
    past = Past(kept=3)
    for moment in range(5):
        found = past.add(float(moment), MACHINE, [loaded("m")], NOTHING)
    assert found.moments == [2.0, 3.0, 4.0]
    assert found.cpu == [50.0] * 3
    assert found.memory_used == [7] * 3
    assert found.models["m"].generated == [183.4] * 3
    assert found.models["m"].kv_used == [21000] * 3


def test_a_model_that_came_later_shows_nothing_before() -> None:
    past = Past(kept=3)
    for moment in range(2):
        past.add(float(moment), MACHINE, [loaded("old")], NOTHING)
    found = past.add(2.0, MACHINE, [loaded("new")], NOTHING)
    assert set(found.models) == {"new"}
    assert found.models["new"].running == [0, 0, 5]
    assert found.models["new"].first_token == [None] * 3
    for moment in range(3, 8):
        found = past.add(float(moment), MACHINE, [loaded("new"), loaded("newest")], NOTHING)
    assert len(found.models["newest"].read) == len(found.moments) == 3


def test_after_a_gap_it_begins_anew() -> None:
    past = Past()
    past.add(0.0, MACHINE, [loaded("m")], NOTHING)
    assert past.add(60.0, MACHINE, [loaded("m")], NOTHING).moments == [60.0]
    # a clock that was set back too
    assert past.add(10.0, MACHINE, [loaded("m")], NOTHING).moments == [10.0]


def test_each_first_token_counts_once() -> None:
    one = request(1, model="m", arrived=10.0, first_token=0.4)
    two = request(2, model="m", arrived=10.2, first_token=0.6)
    waits = request(3, model="m", arrived=10.0, first_token=None)
    requests = [one, two, waits]
    assert first_tokens(requests, 10.0, 11.0) == {"m": 0.5}
    assert first_tokens(requests, 11.0, 12.0) == {}
    past = Past()
    past.add(10.0, MACHINE, [loaded("m")], RequestList([waits], []))
    past.add(11.0, MACHINE, [loaded("m")], RequestList([waits, one], [two]))
    found = past.add(12.0, MACHINE, [loaded("m")], RequestList([waits], [one, two]))
    assert found.models["m"].first_token == [None, 0.5, None]
