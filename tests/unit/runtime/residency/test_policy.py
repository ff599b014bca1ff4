"""Decisions on scenes, each written as who is in memory, who waits and what is free."""

from __future__ import annotations

import math

import pytest

from llmd.runtime.residency.policy import Decision, Demand, Resident, cheapest, decide


def resident(name: str, size: int = 1, **fields: object) -> Resident:
    return Resident(name, {"RAM": size}, **fields)  # type: ignore[arg-type]


def demand(name: str, size: int = 1) -> Demand:
    return Demand(name, {"RAM": size})


def outcome(
    residents: list[Resident], demands: list[Demand], free: int, now: float = 100.0
) -> Decision:
    return decide(residents, demands, {"RAM": free}, now)


def test_what_fits_is_loaded_at_once() -> None:
    assert outcome([], [demand("a"), demand("b")], 2).load == ["a", "b"]


def test_the_idle_model_that_is_missed_least_goes_and_of_equals_the_one_used_longest_ago() -> None:
    three = [
        resident("dear", loss=5, idle_since=1),
        resident("old", loss=1, idle_since=2),
        resident("new", loss=1, idle_since=3),
    ]
    found = outcome(three, [demand("x")], 0)
    assert (found.evict, found.load) == (["old"], [])


def test_several_small_ones_go_only_where_that_costs_less_than_one_large() -> None:
    models = [resident("large", 4, loss=3), resident("s", 2, loss=1), resident("t", 2, loss=1)]
    assert sorted(outcome(models, [demand("x", 4)], 0).evict) == ["s", "t"]
    models = [resident("large", 4, loss=1.5), *models[1:]]
    assert outcome(models, [demand("x", 4)], 0).evict == ["large"]


def test_pinned_and_busy_models_stay() -> None:
    models = [resident("pinned", pinned=True), resident("busy", running=1)]
    found = outcome(models, [demand("x")], 0)
    assert (found.evict, found.refuse) == ([], [])
    assert found.close == {"busy"}, "its turn is over: it makes room when it is idle"


def test_what_can_never_fit_is_refused_unless_something_is_still_on_its_way() -> None:
    pinned = resident("pinned", 3, pinned=True)
    assert outcome([pinned], [demand("x", 2)], 1).refuse == ["x"]
    assert outcome([pinned, resident("l", 1, loading=True)], [demand("x", 3)], 1).refuse == []
    assert outcome([], [demand("x", 2)], 1).refuse == ["x"]


def test_a_busy_model_keeps_its_place_for_its_turn() -> None:
    busy = resident("busy", running=3, turn_ends=130)
    found = outcome([busy], [demand("x")], 0)
    assert (found.close, found.again) == (set(), 130)
    assert outcome([busy], [demand("x")], 0, now=130).close == {"busy"}


def test_a_model_between_two_requests_counts_as_in_use_during_its_turn() -> None:
    resting = resident("a", turn_ends=130, rests_until=101)
    found = outcome([resting], [demand("x")], 0)
    assert (found.evict, found.again) == ([], 101)
    assert outcome([resting], [demand("x")], 0, now=101).evict == ["a"]
    assert outcome([resident("a", rests_until=101)], [demand("x")], 0).evict == ["a"]


def test_nobody_overtakes_into_memory_that_an_earlier_demand_needs() -> None:
    busy = resident("busy", 6, running=1)
    found = outcome([busy], [demand("large", 9), demand("fits", 1), demand("not", 4)], 4)
    assert found.load == ["fits"]


def test_memory_on_its_way_back_is_waited_for_before_another_model_goes() -> None:
    models = [resident("leaving", 4, leaving=True), resident("idle", 4)]
    found = outcome(models, [demand("x", 4)], 0)
    assert (found.evict, found.load) == ([], [])
    assert outcome(models, [demand("x", 4), demand("y", 4)], 0).evict == ["idle"]


def test_a_second_demand_does_not_claim_what_the_first_has_claimed() -> None:
    models = [resident("a", running=1), resident("b", running=1)]
    found = outcome(models, [demand("x"), demand("y")], 0)
    assert found.close == {"a", "b"}


def test_requests_of_a_loaded_model_go_on_unless_an_earlier_demand_has_claimed_it() -> None:
    closed = resident("a", closed=True)
    assert outcome([closed], [demand("a")], 0).admit == ["a"]
    found = outcome([closed], [demand("x"), demand("a")], 0)
    assert (found.evict, found.admit) == (["a"], [])
    found = outcome([closed], [demand("a"), demand("x")], 0)
    assert (found.evict, found.admit) == ([], ["a"]), "they came first, and are served first"


def test_the_choice_stays_with_the_model_that_was_closed_before() -> None:
    models = [resident("a", running=1, loss=5, closed=True), resident("b", running=1, loss=1)]
    assert outcome(models, [demand("x")], 0).close == {"a"}


def test_an_idle_model_among_the_chosen_serves_until_the_busy_ones_are_done() -> None:
    models = [resident("idle", 1, turn_ends=200), resident("busy", 1, running=1)]
    found = outcome(models, [demand("x", 2)], 0)
    assert (found.evict, found.close) == ([], {"busy"})
    assert math.isinf(found.again)


def test_devices_count_each_on_its_own() -> None:
    gpu = Resident("gpu", {"CUDA0": 8, "RAM": 1})
    ram = Resident("ram", {"RAM": 8})
    found = decide([gpu, ram], [Demand("x", {"CUDA0": 6, "RAM": 1})], {"CUDA0": 0, "RAM": 4}, 0)
    assert found.evict == ["gpu"]


@pytest.mark.parametrize("count", [8, 14])
def test_nothing_superfluous_goes_however_many_candidates_there_are(count: int) -> None:
    many = [resident(f"m{n}", n + 1, loss=float(n + 1), idle_since=n) for n in range(count)]
    chosen = cheapest(many, {"RAM": count + 2}, lambda one: one.loss)
    assert chosen
    held = sum(one.needs["RAM"] for one in chosen)
    assert held >= count + 2
    assert all(held - one.needs["RAM"] < count + 2 for one in chosen)
    assert cheapest(many, {"RAM": 10_000}, lambda one: one.loss) is None
