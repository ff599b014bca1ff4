"""Traces of requests, a pool without processes that serves them by the real ledger, and the fewest
loads that anybody could have served them with who knew the future.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from llmd.runtime.residency.ledger import Ledger, Stage


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: when it comes, for what, and how many seconds answering takes."""

    at: float
    model: str
    seconds: float = 0.2


@dataclass(frozen=True, slots=True)
class Machine:
    """Memory, models by size, and seconds that loading one takes (or all take)."""

    memory: int
    sizes: dict[str, int]
    cost: float | dict[str, float] = 4.0
    turn: float = 10.0

    def seconds(self, name: str) -> float:
        return self.cost[name] if isinstance(self.cost, dict) else self.cost


@dataclass(slots=True)
class Outcome:
    """What serving a trace took."""

    loads: int = 0
    seconds: float = 0.0
    """Of loading."""
    waits: list[float] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """Models as they were loaded."""


class Simulation:
    """Serves a trace; `source` may add requests when one is answered, as a client does that waits
    for its answer before it asks again.
    """

    def __init__(
        self, machine: Machine, source: Callable[[Ask, float], Ask | None] | None = None
    ) -> None:
        self.ledger = Ledger(turn=machine.turn)
        self.outcome = Outcome()
        self._machine = machine
        self._source = source
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._lines: dict[str, list[Ask]] = {}
        self._now = 0.0

    def run(self, trace: Iterable[Ask]) -> Outcome:
        for ask in trace:
            self._at(ask.at, lambda ask=ask: self._arrive(ask))
        while self._events:
            self._now, _, event = heapq.heappop(self._events)
            event()
            self._settle()
        assert not self.ledger.waiting, "somebody waits for ever"
        return self.outcome

    def _at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._count), event))

    def _arrive(self, ask: Ask) -> None:
        if self.ledger.arrive(ask.model, self._now):
            self._serve(ask)
            return
        self._lines.setdefault(ask.model, []).append(ask)
        self.ledger.entry(ask.model).needs = {"RAM": self._machine.sizes[ask.model]}

    def _serve(self, ask: Ask) -> None:
        self.outcome.waits.append(self._now - ask.at)
        self._at(self._now + ask.seconds, lambda: self._answered(ask))

    def _answered(self, ask: Ask) -> None:
        self.ledger.depart(ask.model, self._now)
        if self._source and (following := self._source(ask, self._now)):
            self._at(following.at, lambda: self._arrive(following))

    def _admit(self, name: str) -> None:
        for ask in self._lines.pop(name, []):
            self._serve(ask)

    def _settle(self) -> None:
        """Do what the ledger decides until nothing is left to do now."""
        while self.ledger.waiting:
            used = sum(
                self._machine.sizes[name]
                for name in self._machine.sizes
                if self.ledger.entry(name).stage is not Stage.ABSENT
            )
            assert used <= self._machine.memory
            decision = self.ledger.decide({"RAM": self._machine.memory - used}, self._now)
            assert not decision.refuse
            for name in decision.admit:
                self.ledger.admit(name)
                self._admit(name)
            for name in decision.evict:
                assert not self.ledger.entry(name).running
                self.ledger.leave(name)
                self.ledger.gone(name)
            for name in decision.load:
                self._load(name)
            if not decision.evict:
                if decision.again < math.inf:
                    self._at(decision.again, lambda: None)
                return

    def _load(self, name: str) -> None:
        seconds = self._machine.seconds(name)
        self.ledger.load(name)
        self.outcome.loads += 1
        self.outcome.seconds += seconds
        self.outcome.order.append(name)

        def loaded() -> None:
            self.ledger.ready(name, self._now, seconds)
            self._admit(name)

        self._at(self._now + seconds, loaded)


def serve(machine: Machine, trace: Iterable[Ask]) -> Outcome:
    return Simulation(machine).run(trace)


def optimum(machine: Machine, names: Sequence[str], *, weighted: bool = False) -> float:
    """Return the fewest loads (or seconds of loading) that serve requests in the order in which
    they came: Belady's bound for models of any size, by dynamic programming over what is loaded.
    """
    models = sorted(set(names))
    bit = {name: 1 << place for place, name in enumerate(models)}
    room = {
        mask: sum(machine.sizes[name] for name in models if mask & bit[name])
        for mask in range(1 << len(models))
    }
    costs = {0: 0.0}
    for name in names:
        price = machine.seconds(name) if weighted else 1.0
        after: dict[int, float] = {}
        for mask, cost in costs.items():
            if mask & bit[name]:
                after[mask] = min(after.get(mask, math.inf), cost)
                continue
            keep = mask
            while True:  # all that may be kept beside it
                new = keep | bit[name]
                if room[new] <= machine.memory:
                    after[new] = min(after.get(new, math.inf), cost + price)
                if not keep:
                    break
                keep = (keep - 1) & mask
        costs = after
    return min(costs.values())


def patient_optimum(machine: Machine, trace: Sequence[Ask], patience: float) -> float:
    """Return the fewest loads of anybody who may also let each request wait for `patience` seconds
    and serve in any order; loading and answering take this one no time.

    Exact: nothing need be loaded before a request would have waited too long, and then whatever is
    waited for may be. States are what is loaded and since when each other model is waited for.
    """
    models = sorted({ask.model for ask in trace})
    events = [(ask.at, 0, ask.model) for ask in trace]
    events += [(ask.at + patience, 1, ask.model) for ask in trace]
    states: dict[tuple[frozenset[str], tuple[float | None, ...]], float] = {
        (frozenset(), (None,) * len(models)): 0.0
    }
    for at, late, name in sorted(events):
        place = models.index(name)
        after: dict[tuple[frozenset[str], tuple[float | None, ...]], float] = {}
        for (loaded, since), cost in states.items():
            oldest = since[place]
            if not late:
                if name not in loaded and oldest is None:
                    waits = (*since[:place], at, *since[place + 1 :])
                else:
                    waits = since
                after[loaded, waits] = min(after.get((loaded, waits), math.inf), cost)
                continue
            if oldest is None or oldest + patience > at + 1e-9:
                after[loaded, since] = min(after.get((loaded, since), math.inf), cost)
                continue
            for state, price in _loads(machine, models, loaded, since, name):
                after[state] = min(after.get(state, math.inf), cost + price)
        states = _best(after)
    return min(states.values())


def _loads(
    machine: Machine,
    models: list[str],
    loaded: frozenset[str],
    since: tuple[float | None, ...],
    name: str,
) -> Iterable[tuple[tuple[frozenset[str], tuple[float | None, ...]], float]]:
    others = [m for m, s in zip(models, since, strict=True) if s is not None and m != name]
    for count in range(len(others) + 1):
        for also in itertools.combinations(others, count):
            new = {name, *also}
            waits = tuple(None if m in new else s for m, s in zip(models, since, strict=True))
            largest = max(machine.sizes[m] for m in new)
            there = sorted(loaded | new)
            for kept in itertools.chain.from_iterable(
                itertools.combinations(there, size) for size in range(len(there) + 1)
            ):
                # what stays all the time leaves room for each that comes
                stayed = sum(machine.sizes[m] for m in kept if m not in new)
                whole = sum(machine.sizes[m] for m in kept)
                if whole <= machine.memory and stayed + largest <= machine.memory:
                    yield (frozenset(kept), waits), float(len(new))


def _best(
    states: dict[tuple[frozenset[str], tuple[float | None, ...]], float],
) -> dict[tuple[frozenset[str], tuple[float | None, ...]], float]:
    """Drop states that another one beats: more loaded, the same waits, no dearer."""
    by_waits: dict[tuple[float | None, ...], list[tuple[float, frozenset[str]]]] = {}
    for (loaded, since), cost in states.items():
        by_waits.setdefault(since, []).append((cost, loaded))
    kept = {}
    for since, found in by_waits.items():
        for cost, loaded in found:
            if not any(
                (other < cost and loaded <= more) or (other <= cost and loaded < more)
                for other, more in found
            ):
                kept[loaded, since] = cost
    return kept


def alternating(rounds: int, names: Sequence[str], gap: float, seconds: float = 0.2) -> list[Ask]:
    return [
        Ask(place * gap, names[place % len(names)], seconds) for place in range(rounds * len(names))
    ]


def zipf(count: int, models: int, gap: float, seed: int, exponent: float = 1.0) -> list[Ask]:
    rng = random.Random(seed)
    names = [f"m{place}" for place in range(models)]
    weights = [1 / (place + 1) ** exponent for place in range(models)]
    at, trace = 0.0, []
    for name in rng.choices(names, weights, k=count):
        at += rng.expovariate(1 / gap)
        trace.append(Ask(at, name, rng.uniform(0.1, 2.0)))
    return trace


def bursts(count: int, names: Sequence[str], size: int, gap: float, seed: int) -> list[Ask]:
    """Bursts of requests for one model each, now and then mixed with the next."""
    rng = random.Random(seed)
    at, trace = 0.0, []
    for _ in range(count):
        name = rng.choice(list(names))
        for _ in range(rng.randint(1, size)):
            trace.append(Ask(at, name, rng.uniform(0.1, 1.0)))
            at += rng.expovariate(2.0)
        at += rng.expovariate(1 / gap)
    return sorted(trace, key=lambda ask: ask.at)


def phases(count: int, sets: Sequence[Sequence[str]], gap: float, seed: int) -> list[Ask]:
    """Phases in each of which only some models are asked for."""
    rng = random.Random(seed)
    at, trace = 0.0, []
    for names in sets:
        for _ in range(count):
            at += rng.expovariate(1 / gap)
            trace.append(Ask(at, rng.choice(list(names)), rng.uniform(0.1, 1.0)))
    return trace
