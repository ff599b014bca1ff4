"""Brings models and memory together: plans what is waited for, decides, evicts and loads.

It runs only while somebody waits, once for everything that happened meanwhile, and never twice at a
time. What is decided is the ledger's business; here it is carried out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from llmd.errors import LlmdError, NoRoom
from llmd.protocol.placement import DeviceRoom, DeviceUse
from llmd.runtime.planning import Planner, freed
from llmd.runtime.prospects import wished
from llmd.runtime.residence import Coming, Residence
from llmd.runtime.residency import Decision, Entry, Ledger, Stage
from llmd.runtime.room import MAIN_MEMORY, in_memory, needs, no_room


class Hands(Protocol):
    """What the arranger has others do; both return at once, and poke it when they are done."""

    def begin(self, place: Residence) -> None:
        """Start loading a model."""
        ...

    def dismiss(self, place: Residence, reason: str) -> None:
        """Start unloading a model."""
        ...


class Arranger:
    """Makes room for those who wait."""

    def __init__(
        self,
        ledger: Ledger,
        places: Mapping[str, Residence],
        planner: Planner,
        hands: Hands,
        reserve: int,
    ) -> None:
        self._ledger = ledger
        self._places = places
        self._planner = planner
        self._hands = hands
        self._reserve = reserve
        self._task: asyncio.Task[None] | None = None
        self._stale = False
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False
        self._log = structlog.get_logger("pool")

    def poke(self) -> None:
        """Something happened that may change who can be loaded."""
        self._stale = True
        if self._task is None and self._ledger.waiting and not self._closed:
            self._task = asyncio.ensure_future(self._run())
            self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Stop arranging."""
        self._closed = True
        if self._alarm:
            self._alarm.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._stale and self._ledger.waiting:
            self._stale = False
            await self._arrange()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        if error := task.exception():
            # nobody else will ever look after those who wait
            self._log.error("bug", exc_info=error)
            broken = LlmdError("llmd could not arrange its models.", hint="See `llmd logs`.")
            for entry in self._ledger.waiting:
                self._refuse(self._places[entry.name], broken)
        elif self._stale:
            self.poke()

    async def _arrange(self) -> None:
        moves = self._ledger.moves
        rooms = await self._planner.rooms(in_memory(self._places.values()))
        for entry in self._ledger.waiting:
            if entry.stage is Stage.ABSENT and entry.needs is None:
                await self._learn(self._places[entry.name], entry, rooms)
        if moves != self._ledger.moves:
            self._stale = True  # what is free was found out before that
            return
        free = {room.device: room.free for room in self._kept_back(rooms)}
        now = time.monotonic()
        decision = self._ledger.decide(free, now)
        self._carry_out(decision, rooms, now)

    async def _learn(self, place: Residence, entry: Entry, rooms: Sequence[DeviceRoom]) -> None:
        """Find out what a model needs, given everything that could make room for it."""
        stages = [self._kept_back(rooms)]
        uses: list[DeviceUse] = []
        for name in self._ledger.going(time.monotonic()):
            uses += self._places[name].uses()
            stages.append(self._kept_back(freed(rooms, uses)))
        said = place.options
        try:
            options, plan = await wished(self._planner, place.manifest, said, place.wish, stages)
        except LlmdError as error:
            self._refuse(place, error)
            return
        if place.options != said:
            return  # it is planned again, as it is wanted now
        place.coming = Coming(options, plan)
        if not plan.fits:
            self._refuse(place, no_room(plan))
            return
        entry.needs = needs(plan.uses, options.instances or 1)

    def _kept_back(self, rooms: Iterable[DeviceRoom]) -> list[DeviceRoom]:
        return [
            msgspec.structs.replace(room, free=max(0, room.free - self._reserve))
            if room.device == MAIN_MEMORY
            else room
            for room in rooms
        ]

    def _carry_out(self, decision: Decision, rooms: Sequence[DeviceRoom], now: float) -> None:
        for name in decision.admit:
            self._ledger.admit(name)
            self._places[name].admit()
        for name in decision.refuse:
            self._refuse(self._places[name], self._crowded(self._places[name], rooms))
        for name in decision.evict:
            self._hands.dismiss(self._places[name], "room")
        for name in decision.load:
            self._hands.begin(self._places[name])
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        if decision.again < float("inf"):
            loop = asyncio.get_running_loop()
            # no sooner than that: clocks differ by a little
            self._alarm = loop.call_later(max(0.0, decision.again - now) + 0.01, self.poke)

    def _refuse(self, place: Residence, error: LlmdError) -> None:
        self._log.warning("cannot load", model=place.name, reason=str(error))
        self._ledger.withdraw(place.name, place.fail(error))

    def _crowded(self, place: Residence, rooms: Sequence[DeviceRoom]) -> NoRoom:
        pinned = sorted(other.name for other in self._places.values() if other.entry.pinned)
        held = (
            f" {', '.join(pinned)} {'is' if len(pinned) == 1 else 'are'} pinned." if pinned else ""
        )
        return NoRoom(
            f"There is no room for {place.name}, whatever else is unloaded.{held}",
            hint="Unload a pinned model, raise pool.max_loaded, or choose a smaller model.",
            needed=dict(place.entry.needs or {}),
            available={room.device: room.free for room in rooms},
        )
