"""The ledger on its own, then the traces: how often it loads, beside those who know the future."""

from __future__ import annotations

import random

import pytest

from llmd.runtime.residency.ledger import Ledger, Stage
from tests.unit.runtime.residency.simulation import (
    Ask,
    Machine,
    Outcome,
    Simulation,
    alternating,
    bursts,
    optimum,
    patient_optimum,
    phases,
    serve,
    zipf,
)

NEAR = 1.5


def equal(names: str, memory: int, **fields: float) -> Machine:
    return Machine(memory, dict.fromkeys(names, 1), **fields)


def ready(ledger: Ledger, name: str, now: float = 0.0) -> None:
    ledger.arrive(name, now)
    ledger.entry(name).needs = {"RAM": 1}
    ledger.load(name)
    ledger.ready(name, now, 1.0)


def test_what_was_planned_for_those_who_left_does_not_bind_who_comes_next() -> None:
    ledger = Ledger()
    ledger.arrive("a", 0.0)
    ledger.entry("a").needs = {"RAM": 1}
    ledger.arrive("a", 0.0)
    assert ledger.entry("a").needs, "they wait together"
    ledger.withdraw("a", 2)
    ledger.arrive("a", 1.0)
    assert ledger.entry("a").needs is None


def test_first_requests_wait_together_and_go_on_together() -> None:
    ledger = Ledger()
    assert not any(ledger.arrive("a", 0.0) for _ in range(3))
    ledger.entry("a").needs = {"RAM": 1}
    assert ledger.decide({"RAM": 1}, 0.0).load == ["a"]
    ledger.load("a")
    assert ledger.decide({"RAM": 1}, 0.0).load == []
    ledger.ready("a", 1.0, 1.0)
    assert (ledger.entry("a").running, ledger.waiting) == (3, [])
    assert ledger.arrive("a", 2.0)


def test_no_more_models_than_there_are_slots() -> None:
    ledger = Ledger(slots=1)
    ready(ledger, "a")
    ledger.depart("a", 5.0)
    ledger.arrive("b", 100.0)
    ledger.entry("b").needs = {"RAM": 1}
    assert ledger.decide({"RAM": 9}, 100.0).evict == ["a"]
    ledger.leave("a")
    assert ledger.decide({"RAM": 9}, 100.0).load == []
    ledger.gone("a")
    assert ledger.decide({"RAM": 9}, 100.0).load == ["b"]


def test_a_model_without_known_needs_is_not_placed() -> None:
    ledger = Ledger()
    ledger.arrive("a", 0.0)
    assert ledger.decide({"RAM": 9}, 0.0).load == []


def test_a_closed_model_takes_nobody_until_nobody_waits_for_its_place() -> None:
    ledger = Ledger(slots=1)
    ready(ledger, "a")
    ledger.arrive("b", 100.0)
    ledger.entry("b").needs = {"RAM": 1}
    assert ledger.decide({"RAM": 9}, 100.0).close == {"a"}
    assert not ledger.arrive("a", 101.0)
    ledger.withdraw("b")
    decision = ledger.decide({"RAM": 9}, 102.0)
    assert (decision.close, decision.admit) == (set(), ["a"])
    ledger.admit("a")
    assert ledger.arrive("a", 103.0)


def test_the_worst_is_an_idle_model_that_may_go() -> None:
    ledger = Ledger()
    assert ledger.worst(0.0) is None
    for name in ("busy", "old", "new", "pinned"):
        ready(ledger, name)
    for name in ("old", "new", "pinned"):
        ledger.depart(name, 1.0)
    ledger.entry("pinned").pinned = True
    assert ledger.worst(50.0) == "old"
    assert ledger.entry("old").stage is Stage.READY


def report(name: str, found: Outcome, best: float) -> None:
    """Print requests, loads, those of the optimum, their ratio, the longest and the mean wait."""
    waits = f"{max(found.waits):5.1f} {sum(found.waits) / len(found.waits):4.1f}"
    loads = f"{found.loads:4} {best:4.0f} {found.loads / best:5.2f}"
    print(f"{name:38} {len(found.waits):5} {loads} {waits}")


EIGHT = {f"m{place}": 1 for place in range(8)}
SEEDS = range(8)
TRACES = {
    "two take turns, every 0.5 s": (equal("ab", 1), [alternating(100, "ab", 0.5)]),
    "two take turns, every 6 s": (equal("ab", 1), [alternating(50, "ab", 6)]),
    "two take turns, every minute": (equal("ab", 1), [alternating(50, "ab", 60)]),
    "a chain of 3, memory for 2": (equal("abc", 2), [alternating(40, "abc", 30)]),
    "the same, every 2 s": (equal("abc", 2), [alternating(40, "abc", 2)]),
    "a chain of 5, memory for 4": (equal("abcde", 4), [alternating(40, "abcde", 30)]),
    "a chain of 5, memory for 3": (equal("abcde", 3), [alternating(40, "abcde", 30)]),
    "zipf over 8, memory for 2": (Machine(2, EIGHT), [zipf(200, 8, 30, s) for s in SEEDS]),
    "zipf over 8, memory for 3": (Machine(3, EIGHT), [zipf(200, 8, 30, s) for s in SEEDS]),
    "the same, every second": (Machine(3, EIGHT), [zipf(200, 8, 1, s) for s in SEEDS]),
    "zipf over 8, memory for 4": (Machine(4, EIGHT), [zipf(200, 8, 30, s) for s in SEEDS]),
    "bursts for 4, memory for 2": (
        equal("abcd", 2),
        [bursts(60, "abcd", 10, 10, s) for s in SEEDS],
    ),
    "bursts for 4, memory for 1": (
        equal("abcd", 1),
        [bursts(60, "abcd", 10, 10, s) for s in SEEDS],
    ),
    "bursts, sizes and costs differ": (
        Machine(8, {"a": 8, "b": 4, "c": 3, "d": 1}, {"a": 16, "b": 8, "c": 6, "d": 2}),
        [bursts(80, "abcd", 6, 20, s) for s in SEEDS],
    ),
    "phases of 2, memory for 2": (
        equal("abcdef", 2),
        [phases(60, ["ab", "cd", "ef", "ac", "bd"], 5, s) for s in SEEDS],
    ),
    "phases of 2 with a third": (
        equal("abcdef", 2),
        [phases(60, ["aaabbbc", "cccdddb", "eeefff", "aaacccd"], 5, s) for s in SEEDS],
    ),
}
"""Machines, and traces by chance several times over."""


@pytest.mark.parametrize("name", TRACES)
def test_no_more_than_half_as_many_loads_again_as_knowing_the_future(name: str) -> None:
    """The optimum serves requests in their order; exact for any sizes. All traces of a kind
    together: of one alone the optimum may be a handful of loads.
    """
    machine, traces = TRACES[name]
    together, best, dearest = Outcome(), 0.0, 0.0
    for trace in traces:
        found = serve(machine, trace)
        assert len(found.waits) == len(trace)
        together.loads += found.loads
        together.seconds += found.seconds
        together.waits += found.waits
        asked = [ask.model for ask in trace]
        best += optimum(machine, asked)
        dearest += optimum(machine, asked, weighted=True)
    report(name, together, best)
    assert together.loads <= NEAR * best
    assert together.seconds <= NEAR * dearest


@pytest.mark.parametrize(
    "name",
    [
        "two take turns, every 0.5 s",
        "two take turns, every 6 s",
        "two take turns, every minute",
        "a chain of 3, memory for 2",
    ],
)
def test_not_many_more_loads_than_who_also_lets_requests_wait_as_long(name: str) -> None:
    machine, (trace,) = TRACES[name]
    found = serve(machine, trace)
    best = patient_optimum(machine, trace, max(found.waits) - machine.seconds("a"))
    report(f"{name}, patient", found, best)
    assert found.loads <= NEAR * best


def adversary(length: int) -> tuple[Machine, list[Ask], Outcome]:
    """Always asks for what is not loaded, one request after the other."""
    machine, names, trace = equal("abc", 2, turn=0.0), "abc", [Ask(0.0, "a")]
    running: list[Simulation] = []

    def next_one(_: Ask, now: float) -> Ask | None:
        if len(trace) == length:
            return None
        ledger = running[0].ledger
        missing = [name for name in names if ledger.entry(name).stage is Stage.ABSENT]
        trace.append(Ask(now + 60.0, missing[0]))
        return trace[-1]

    running.append(Simulation(machine, next_one))
    return machine, trace, running[0].run([trace[0]])


def test_an_adversary_gains_little_more_than_against_any_who_do_not_know_the_future() -> None:
    """Who is always asked for what is not loaded loads `memory` times as often as the optimum, by
    whatever deterministic policy (Sleator and Tarjan, 1985).
    """
    machine, trace, found = adversary(120)
    best = optimum(machine, [ask.model for ask in trace])
    report("an adversary, 3 models, memory for 2", found, best)
    assert found.loads <= 1.25 * machine.memory * best


def test_where_requests_are_pure_chance_it_does_as_well_as_lru() -> None:
    rng = random.Random(7)
    machine = equal("abcd", 2)
    trace = [Ask(30.0 * n, rng.choice("abcd")) for n in range(300)]
    found = serve(machine, trace)
    best = optimum(machine, [ask.model for ask in trace])
    report("pure chance, 4 models, memory for 2", found, best)
    assert found.loads <= 1.05 * lru([ask.model for ask in trace], 2)


def lru(names: list[str], memory: int) -> int:
    held: list[str] = []
    loads = 0
    for name in names:
        if name in held:
            held.remove(name)
        else:
            loads += 1
            held = held[-(memory - 1) :] if memory > 1 else []
        held.append(name)
    return loads


def test_nobody_starves_beside_models_that_are_never_idle() -> None:
    machine = equal("abc", 1, turn=10.0)
    stream = [Ask(n * 0.05, name, 0.5) for n in range(2000) for name in "ab"]
    lone = [Ask(20.0 + 30 * n, "c") for n in range(3)]
    found = serve(machine, sorted([*stream, *lone], key=lambda ask: ask.at))
    assert len(found.waits) == len(stream) + len(lone)
    # two turns of others, three loads, and what runs when a turn ends
    assert max(found.waits) <= 2 * 10.0 + 3 * 4.0 + 3 * 0.5 + 1
    assert found.loads <= 30


def test_a_long_answer_holds_up_only_those_who_need_its_memory() -> None:
    machine = Machine(4, {"long": 2, "large": 3, "small": 1}, 1.0)
    found = serve(machine, [Ask(0, "long", 100), Ask(5, "large"), Ask(6, "small"), Ask(7, "small")])
    assert found.order == ["long", "small", "large"]
    assert sorted(found.waits)[:3] == pytest.approx([0.0, 1.0, 1.0])


def test_the_bounds_are_right_on_traces_small_enough_to_see() -> None:
    two = equal("ab", 1)
    assert optimum(two, list("aabba")) == 3
    assert optimum(equal("abc", 2), list("abcabc")) == 4
    trace = [Ask(float(place), name) for place, name in enumerate("ababab")]
    assert patient_optimum(two, trace, 0.0) == 6
    assert patient_optimum(two, trace, 10.0) == 2
    assert patient_optimum(equal("ab", 2), trace, 0.0) == 2
