"""Every model that is in memory or asked for: where it stands, who uses it, who waits. Pure.

The pool tells it what happens and carries out what `decide` returns; the simulation in the tests
does the same without processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from llmd.runtime.residency.history import History
from llmd.runtime.residency.policy import SLOT, Decision, Demand, Needs, Resident, decide

_LEAST_COST = 2.0
"""Seconds below which loading times do not count against each other."""
_TURN_FACTOR = 2.0
"""A turn lasts at least so many times as long as loading took."""


class Stage(Enum):
    """How a model stands."""

    ABSENT = auto()
    LOADING = auto()
    READY = auto()
    LEAVING = auto()


@dataclass(slots=True)
class Entry:
    """One model."""

    name: str
    stage: Stage = Stage.ABSENT
    needs: Needs | None = None
    """What it takes or will take; None: not known yet, so it cannot be placed."""
    running: int = 0
    waiting: int = 0
    line: int = 0
    """Place of its oldest waiting request among those of all models."""
    pinned: bool = False
    closed: bool = False
    ready_at: float = 0.0
    idle_since: float = 0.0
    load_seconds: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether anybody uses it or waits for it."""
        return self.running > 0 or self.waiting > 0 or self.stage is Stage.LOADING


class Ledger:
    """All entries. `slots` limits how many models are loaded, 0 does not; `turn` is how many
    seconds a model in use keeps its place when another one wants it.
    """

    def __init__(self, slots: int = 0, turn: float = 0.0) -> None:
        self._slots = slots
        self._turn = turn
        self._line = 0
        self._history = History()
        self._entries: dict[str, Entry] = {}
        self.moves = 0
        """How often a model came or went: what was measured before says little afterwards."""

    def entry(self, name: str) -> Entry:
        """Return the entry of a model."""
        return self._entries.setdefault(name, Entry(name))

    @property
    def waiting(self) -> list[Entry]:
        """Models that are waited for, the one asked for longest ago first."""
        found = [entry for entry in self._entries.values() if entry.waiting]
        return sorted(found, key=lambda entry: entry.line)

    def arrive(self, name: str, now: float) -> bool:
        """Take a request for a model; False when it has to wait."""
        entry = self.entry(name)
        self._history.note(name, now)
        if entry.stage is Stage.READY and not entry.closed:
            entry.running += 1
            return True
        if not entry.waiting:
            self._line += 1
            entry.line = self._line
            if entry.stage is Stage.ABSENT:
                entry.needs = None  # what was planned for those who left
        entry.waiting += 1
        return False

    def admit(self, name: str) -> None:
        """All who wait for a model go on."""
        entry = self.entry(name)
        entry.running += entry.waiting
        entry.waiting = 0

    def depart(self, name: str, now: float) -> None:
        """A request that went on is over."""
        entry = self.entry(name)
        entry.running -= 1
        entry.idle_since = now

    def withdraw(self, name: str, count: int = 1) -> None:
        """Some who wait do so no longer."""
        self.entry(name).waiting -= count

    def load(self, name: str) -> None:
        """Loading begins."""
        self.moves += 1
        self.entry(name).stage = Stage.LOADING

    def ready(self, name: str, now: float, seconds: float) -> None:
        """Loading is done and took so long; those who waited go on."""
        entry = self.entry(name)
        self.moves += 1
        entry.stage = Stage.READY
        entry.load_seconds = seconds
        entry.ready_at = entry.idle_since = now
        entry.closed = False
        self.admit(name)

    def leave(self, name: str) -> None:
        """Unloading begins."""
        entry = self.entry(name)
        self.moves += 1
        entry.stage = Stage.LEAVING
        entry.closed = False

    def gone(self, name: str) -> None:
        """It is in memory no longer, or never came."""
        entry = self.entry(name)
        self.moves += 1
        entry.stage = Stage.ABSENT
        entry.needs = None
        entry.closed = False

    def decide(self, free: Needs, now: float) -> Decision:
        """Return what to do now; `free` is as for `policy.decide`, without slots."""
        loaded = [entry for entry in self._entries.values() if entry.stage is not Stage.ABSENT]
        if self._slots:
            free = {**free, SLOT: self._slots - len(loaded)}
        demands = [
            Demand(entry.name, {**entry.needs, SLOT: 1})
            for entry in self.waiting
            if entry.needs is not None
        ]
        decision = decide([self._resident(entry) for entry in loaded], demands, free, now)
        for entry in loaded:
            entry.closed = entry.name in decision.close
        return decision

    def worst(self, now: float) -> str | None:
        """Return the idle model that is missed least, None where there is none."""
        going = [
            self._resident(entry)
            for entry in self._entries.values()
            if entry.stage is Stage.READY and not entry.pinned and not entry.busy
        ]
        going = [one for one in going if one.may_go(now)] or going
        return min(going, key=lambda one: (one.loss, one.idle_since)).name if going else None

    def going(self, now: float) -> list[str]:
        """Return the models that could make room, in the order in which they would go."""
        found = [
            (entry.stage is not Stage.LEAVING, not one.may_go(now), one.loss, one.idle_since, one)
            for entry in self._entries.values()
            if entry.stage is not Stage.ABSENT and not entry.pinned
            for one in [self._resident(entry)]
        ]
        return [one.name for *_, one in sorted(found, key=lambda row: row[:-1])]

    def _resident(self, entry: Entry) -> Resident:
        cost = max(_LEAST_COST, entry.load_seconds)
        rest = self._history.rest(entry.name, cost)
        return Resident(
            name=entry.name,
            needs={**(entry.needs or {}), SLOT: 1},
            loss=cost / self._history.expected(entry.name),
            idle_since=entry.idle_since,
            running=entry.running,
            pinned=entry.pinned,
            loading=entry.stage is Stage.LOADING,
            leaving=entry.stage is Stage.LEAVING,
            closed=entry.closed,
            turn_ends=entry.ready_at + max(self._turn, _TURN_FACTOR * entry.load_seconds),
            rests_until=entry.idle_since + rest,
        )
