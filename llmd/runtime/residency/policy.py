"""Who may load, who must go, who waits.

- Demands are placed first come, first served. One that cannot be placed yet keeps what it will
  need, so a later one may overtake it only into memory that the first does not want.
- Only idle models go, pinned ones never. Where several would do, those go whose loss is least: the
  seconds it takes to load them again, by how soon they will be asked (`History`); among models
  unlike in neither, the one used longest ago.
- Where idle ones do not suffice, models in use are claimed. A claimed model keeps its place for the
  length of its turn, so that requests for it are served together; then it is closed: answers under
  way end, new requests stand in line behind the demand that claimed it.
- A model that is idle for a moment only, as its requests tell, counts as in use during its turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

Needs = Mapping[str, int]
"""Bytes by device; `SLOT` counts models."""

SLOT = "models"

Weigh = Callable[["Resident"], float]

_IN_USE = 1e9
_CLAIMED = _IN_USE / 2
"""Loss of a model in use that has been claimed before: changing one's mind costs everybody."""
_EXACT = 10


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory, on its way there, or on its way out. Times are monotonic seconds."""

    name: str
    needs: Needs
    loss: float = 1.0
    """What its going costs, see above."""
    idle_since: float = 0.0
    running: int = 0
    pinned: bool = False
    loading: bool = False
    leaving: bool = False
    closed: bool = False
    turn_ends: float = 0.0
    rests_until: float = 0.0
    """When it is surely idle rather than between two requests."""

    def may_go(self, now: float) -> bool:
        """Whether it can be unloaded at once."""
        idle = not self.running and not self.loading
        return idle and (now >= self.turn_ends or now >= self.rests_until)


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests that wait for a model; its place in the line is that of the oldest."""

    name: str
    needs: Needs


@dataclass(slots=True)
class Decision:
    """What is to be done now, all of it at once."""

    load: list[str] = field(default_factory=list)
    evict: list[str] = field(default_factory=list)
    close: set[str] = field(default_factory=set)
    """Loaded models that take no new requests; all others do."""
    admit: list[str] = field(default_factory=list)
    """Loaded models whose waiting requests go on."""
    refuse: list[str] = field(default_factory=list)
    """Models that would not fit if everything else that may go were gone."""
    again: float = math.inf
    """When to decide anew though nothing happens until then."""


def decide(
    residents: Iterable[Resident], demands: Sequence[Demand], free: Needs, now: float
) -> Decision:
    """Return what to do for `demands`, oldest first; `free` is what nobody has or will soon have:
    loading residents have their needs already.
    """
    table = _Table({one.name: one for one in residents}, free, now)
    for demand in demands:
        table.serve(demand)
    return table.decision


class _Table:
    """Who has claimed what so far."""

    def __init__(self, residents: dict[str, Resident], free: Needs, now: float) -> None:
        self._residents = residents
        self._now = now
        self._free = dict(free)
        self._most = _sum((free, *(r.needs for r in residents.values() if not r.pinned)))
        """What there would be if everything that may go were gone."""
        self._coming = _sum(r.needs for r in residents.values() if r.leaving)
        self._claimed: set[str] = set()
        self.decision = Decision()

    def serve(self, demand: Demand) -> None:
        own = self._residents.get(demand.name)
        if own and not own.leaving:
            if own.name not in self._claimed and not own.loading:
                self.decision.admit.append(own.name)
                self._residents[own.name] = replace(own, running=own.running + 1)
            return
        if not self._lacking(demand.needs, self._free):
            self._reserve(demand.needs)
            if own is None:
                self.decision.load.append(demand.name)
            return
        both = _sum((self._free, self._coming))
        if not self._lacking(demand.needs, both):
            self._reserve(demand.needs)
            return
        self._claim(demand, both)

    def _claim(self, demand: Demand, room: Needs) -> None:
        lacking = self._lacking(demand.needs, room)
        candidates = [
            one
            for one in self._residents.values()
            if one.name not in self._claimed and not one.pinned and not one.leaving
        ]
        idle = [one for one in candidates if one.may_go(self._now)]
        victims = cheapest(idle, lacking, self._weight)
        if victims is None:
            victims = cheapest(candidates, lacking, self._weight)
        if victims is None:
            self._turn_down(demand)
            return
        self._claimed |= {victim.name for victim in victims}
        self._coming = _sum((self._coming, *(victim.needs for victim in victims)))
        self._reserve(demand.needs)
        if all(victim.may_go(self._now) for victim in victims):
            self.decision.evict += [victim.name for victim in victims]
            return
        for victim in victims:
            self._press(victim)

    def _press(self, victim: Resident) -> None:
        if self._now >= victim.turn_ends and not victim.loading:
            self.decision.close.add(victim.name)
            return
        until = victim.turn_ends
        if not victim.running and not victim.loading:
            until = min(until, victim.rests_until)
        if until > self._now:
            self.decision.again = min(self.decision.again, until)

    def _turn_down(self, demand: Demand) -> None:
        """Refuse a demand unless what is under way may still make room for it."""
        settled = not any(one.loading or one.leaving for one in self._residents.values())
        if self._lacking(demand.needs, self._most):
            if settled:
                self.decision.refuse.append(demand.name)
        else:
            self._reserve(demand.needs)

    def _reserve(self, needs: Needs) -> None:
        """Take from what is coming first: what is free now may serve somebody else meanwhile."""
        for kind, amount in needs.items():
            later = min(amount, self._coming.get(kind, 0))
            self._coming[kind] = self._coming.get(kind, 0) - later
            if kind in self._free:
                self._free[kind] -= amount - later

    @staticmethod
    def _lacking(needs: Needs, room: Needs) -> dict[str, int]:
        """Return what is missing; kinds that `room` does not name are not scarce."""
        return {
            kind: amount - room[kind]
            for kind, amount in needs.items()
            if kind in room and amount > room[kind]
        }

    def _weight(self, one: Resident) -> float:
        if one.may_go(self._now):
            return one.loss
        return one.loss + (_CLAIMED if one.closed else _IN_USE)


def cheapest(
    candidates: Sequence[Resident], lacking: Needs, weigh: Weigh
) -> tuple[Resident, ...] | None:
    """Return the residents that hold what is lacking and weigh least together; None where all of
    them do not.
    """
    useful = [one for one in candidates if any(one.needs.get(kind, 0) for kind in lacking)]
    # of equals the one used longest ago comes first, and stays the choice
    useful.sort(key=lambda one: (weigh(one), one.idle_since))
    if not _covers(useful, lacking):
        return None
    if len(useful) > _EXACT:
        return _greedy(useful, lacking)
    best, least = None, math.inf
    for count in range(1, len(useful) + 1):
        for chosen in combinations(useful, count):
            weight = sum(map(weigh, chosen))
            if weight < least and _covers(chosen, lacking):
                best, least = chosen, weight
    return best


def _greedy(useful: Sequence[Resident], lacking: Needs) -> tuple[Resident, ...]:
    chosen: list[Resident] = []
    for one in useful:
        if _covers(chosen, lacking):
            break
        chosen.append(one)
    for one in reversed(list(chosen)):
        rest = [other for other in chosen if other is not one]
        if _covers(rest, lacking):
            chosen = rest
    return tuple(chosen)


def _covers(chosen: Iterable[Resident], lacking: Needs) -> bool:
    held = _sum(one.needs for one in chosen)
    return all(held.get(kind, 0) >= amount for kind, amount in lacking.items())


def _sum(parts: Iterable[Needs]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for kind, amount in part.items():
            total[kind] = total.get(kind, 0) + amount
    return total
