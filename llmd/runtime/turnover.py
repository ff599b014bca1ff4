"""Models come and go: loads that others decided on, unloads, the time idle ones may stay, and
workers that die.

Every path ends with the ledger told and nobody left waiting for what will not come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from llmd.errors import LlmdError, NoRoom
from llmd.protocol.placement import DeviceRoom
from llmd.runtime.opening import Opening
from llmd.runtime.planning import Planner
from llmd.runtime.residence import Residence, Seat
from llmd.runtime.residency import Ledger, Stage
from llmd.runtime.room import in_memory, returned
from llmd.runtime.workers import Worker
from llmd.telemetry.metrics import Metrics


class Turnover:
    """Carries out loading and unloading; the `Hands` of the arranger."""

    def __init__(
        self,
        ledger: Ledger,
        places: Mapping[str, Residence],
        opening: Opening,
        planner: Planner,
        metrics: Metrics,
    ) -> None:
        self._ledger = ledger
        self._places = places
        self._opening = opening
        self._opening.lost = self._lost
        self._planner = planner
        self._metrics = metrics
        self._leaving: set[Worker] = set()
        self._log = structlog.get_logger("pool")
        self.poke: Callable[[], None] = lambda: None
        """Told of everything that may make room for others."""

    def begin(self, place: Residence) -> None:
        """Start loading a model that was planned."""
        self._ledger.load(place.name)
        place.entry.pinned = bool(place.coming.options.pinned)
        place.coming.task = asyncio.ensure_future(self._open(place))
        self._watch(place, place.coming.task)

    def dismiss(self, place: Residence, reason: str) -> None:
        """Start unloading a model."""
        self._log.info("unloading", model=place.name, reason=reason)
        self._metrics.models.unloads.labels(reason).inc()
        self._ledger.leave(place.name)
        place.lifetime.renew()
        place.departure = asyncio.ensure_future(self._retire(place))

    async def hurry(self) -> None:
        """Kill workers that are still saving what they have read."""
        await asyncio.gather(*(worker.stop() for worker in list(self._leaving)))

    def settle(self, place: Residence) -> None:
        """Let the time of an idle model begin to run."""
        place.lifetime.renew()
        seconds = place.stays()
        if place.entry.busy or place.entry.stage is not Stage.READY or seconds is None:
            return
        loop = asyncio.get_running_loop()
        place.lifetime.expiry = loop.call_later(seconds, self._expire, place)

    def _expire(self, place: Residence) -> None:
        if place.entry.stage is Stage.READY and not place.entry.busy:
            self.dismiss(place, "idle")

    async def _open(self, place: Residence) -> None:
        name = place.name
        try:
            seconds = await self._opened(place)
        except LlmdError as error:
            self._metrics.models.loads.labels(name, "failed").inc()
            self._log.warning("loading failed", model=name, reason=str(error))
            self._ledger.withdraw(name, place.fail(error))
            raise
        self._metrics.models.loads.labels(name, "loaded").inc()
        self._metrics.models.load_seconds.labels(name).observe(seconds)
        self._ledger.ready(name, time.monotonic(), seconds)
        place.admit()
        self.settle(place)
        for seat in place.seats:
            if not seat.live:
                self._lost(place, seat)  # while others were being started
        await self._learn(place, seconds)

    async def _learn(self, place: Residence, seconds: float) -> None:
        """Tell the planner how right it was."""
        coming, live = place.coming, place.live
        if coming.plan is None or not live or not live[0].worker:
            return
        measured = live[0].worker.ready.measured
        each = seconds / (coming.options.instances or 1)
        await self._planner.learn(place.manifest, coming.options, coming.plan, measured, each)

    async def _opened(self, place: Residence) -> float:
        """Start the workers; where memory does not suffice after all, once more without all idle
        models.
        """
        try:
            return await self._opening.open(place)
        except NoRoom:
            idle = [
                other
                for other in self._places.values()
                if other.entry.stage is Stage.READY and not (other.entry.busy or other.entry.pinned)
            ]
            if not idle:
                raise
        await asyncio.gather(*(self.emptied(other, "room") for other in idle))
        return await self._opening.open(place)

    def _watch(self, place: Residence, task: asyncio.Task[None]) -> None:
        """See to it that a load that ends in whatever way leaves nobody waiting."""

        def ended(_: asyncio.Task[None]) -> None:
            failed = task.cancelled() or task.exception() is not None
            if failed and place.entry.stage is Stage.LOADING:
                self._ledger.gone(place.name)
                if place.line and not task.cancelled():
                    broken = LlmdError("llmd made an internal error.", hint="See `llmd logs`.")
                    self._ledger.withdraw(place.name, place.fail(broken))
            self.poke()

        task.add_done_callback(ended)

    async def emptied(self, place: Residence, reason: str) -> None:
        """Unload a model and wait until it is gone."""
        stage = place.entry.stage
        if stage is Stage.LOADING and (task := place.coming.task):
            self._metrics.models.unloads.labels(reason).inc()
            task.cancel()
            await asyncio.wait([task])
        elif stage is Stage.READY:
            self.dismiss(place, reason)
        if place.departure:
            await asyncio.wait([place.departure])

    async def _retire(self, place: Residence) -> None:
        """Have all workers of a model save what they have read, and end."""
        workers = [seat.worker for seat in place.seats if seat.worker]
        for seat in place.seats:
            if seat.mending:
                seat.mending.cancel()
        try:
            before = await self._rooms_before()
            self._leaving.update(workers)
            await asyncio.gather(*(worker.retire() for worker in workers))
            await returned(self._planner, self._places.values(), place.uses(), before)
        finally:
            self._leaving.difference_update(workers)
            place.seats = []
            self._ledger.gone(place.name)
            self.poke()

    async def _rooms_before(self) -> list[DeviceRoom]:
        """Return the devices while somebody waits for room, as far as they can be looked at."""
        if not self._ledger.waiting:
            return []
        try:
            return await self._planner.rooms(in_memory(self._places.values()))
        except (LlmdError, OSError) as error:
            self._log.warning("devices cannot be looked at", reason=str(error))
            return []

    def _lost(self, place: Residence, seat: Seat) -> None:
        """A worker is gone, for whatever reason."""
        place.stir()
        if place.entry.stage is not Stage.READY or seat not in place.seats:
            return
        if place.live:
            self._opening.mend(place, seat)
        else:
            self.vanished(place)

    def vanished(self, place: Residence) -> None:
        """See whether a model has any worker left, and count it as gone if not."""
        if place.entry.stage is Stage.READY and not place.live:
            for seat in place.seats:
                if seat.mending:
                    seat.mending.cancel()
            place.seats = []
            place.lifetime.renew()
            self._ledger.gone(place.name)
            self.poke()
