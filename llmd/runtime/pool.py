"""The loaded models: started on demand, shared by all callers, unloaded when idle or when memory is
needed. Who may load and who must go is decided in residency/.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from llmd.config.settings import PoolSettings
from llmd.errors import LlmdError, ModelBusy, NoRoom
from llmd.protocol.models import LoadedModel, LoadFailure, LoadProgress, ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.protocol.requests import Prompt
from llmd.runtime.arranger import Arranger
from llmd.runtime.cores import share_cores
from llmd.runtime.main_memory import main_memory
from llmd.runtime.opening import Opening, Order, StartWorker
from llmd.runtime.planning import Planner
from llmd.runtime.process import WorkerProcess
from llmd.runtime.residence import Lifetime, Residence, Seat, Waiter
from llmd.runtime.residency import Ledger, Stage
from llmd.runtime.residency.wishes import changes, checked, given, merged, unmet
from llmd.runtime.supervisor import Cause, death
from llmd.runtime.turnover import Turnover
from llmd.runtime.workers import Worker
from llmd.telemetry.metrics import Metrics

_PROGRESS_INTERVAL = 0.2
_SHARE_KEPT_FREE = 32
_MOST_KEPT_FREE = 2**30
_REMEMBERED = 3600.0
"""Seconds for which it is told that a model could not be loaded."""


class Pool:
    """All loaded models of this daemon."""

    def __init__(
        self,
        settings: PoolSettings,
        order: Order,
        planner: Planner,
        metrics: Metrics,
        start: StartWorker = WorkerProcess.start,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._ledger = Ledger(settings.max_loaded, max(0.0, settings.turn))
        self._places: dict[str, Residence] = {}
        opening = Opening(settings, order, start, metrics)
        opening.stirred = partial(share_cores, self._places)
        self._turnover = Turnover(self._ledger, self._places, opening, planner, metrics)
        self._arranger = Arranger(
            self._ledger, self._places, planner, self._turnover, reserve(settings)
        )
        self._turnover.poke = self._arranger.poke

    def place(self, manifest: ModelManifest) -> Residence:
        """Return the place of a model, whether it is loaded or not."""
        place = self._places.get(manifest.name)
        if place is None:
            entry = self._ledger.entry(manifest.name)
            place = Residence(manifest, entry, Lifetime(float(self._settings.keep_alive)))
            self._places[manifest.name] = place
        if place.entry.stage is Stage.ABSENT and not place.line:
            place.manifest = manifest
        return place

    @asynccontextmanager
    async def lease(
        self,
        manifest: ModelManifest,
        prompt: Prompt | None = None,
        wish: LoadOptions = LoadOptions(),  # noqa: B008  frozen
        *,
        alone: bool = False,
    ) -> AsyncIterator[Worker]:
        """Hand out a worker of the model, loading it first if need be; it is not unloaded while
        leased. Of several workers it is the one that knows the beginning of `prompt`, or with
        `alone` one without other requests.

        Raises what planning and loading raise, NoRoom when there is no memory for it, or none came
        free in time, and WorkerDied (retriable) while a model whose workers keep dying is held
        back.
        """
        place = self.place(manifest)
        place.lifetime.renew()
        place.lifetime.wished = wish.keep_alive
        seat, worker = await self._seated(place, prompt, wish, alone=alone)
        seat.running += 1
        try:
            yield worker
        finally:
            seat.running -= 1
            if alone:
                for reserved in place.seats:
                    reserved.reserved = False
            place.stir()
            self._depart(place)

    async def load(
        self,
        manifest: ModelManifest,
        options: LoadOptions = LoadOptions(),  # noqa: B008  frozen
    ) -> AsyncGenerator[LoadProgress]:
        """Load a model and report how it goes. What `options` say holds until it is unloaded by
        name; where it is loaded otherwise it is loaded anew, or raises ModelBusy.
        """
        place = self.place(manifest)
        before = place.ordered
        await self._ordered(place, checked(options))
        ordered = place.ordered
        task = asyncio.ensure_future(self._hold(manifest))
        try:
            while not task.done():
                yield LoadProgress(status="loading", fraction=place.coming.progress)
                await asyncio.wait([task], timeout=_PROGRESS_INTERVAL)
            task.result()
        except BaseException as error:
            # what could not be had, or is waited for no longer, must not keep the model from being
            # loaded otherwise
            there = place.entry.stage in {Stage.LOADING, Stage.READY}
            if place.ordered is ordered and (isinstance(error, LlmdError) or not there):
                self._say(place, before)
            raise
        finally:
            task.cancel()
        yield LoadProgress(status="ready", fraction=1.0, model=place.describe())

    async def unload(self, name: str, *, force: bool = True) -> bool:
        """Stop a model's workers and forget what was ordered for it; False when there was neither.
        Without `force`, a busy one raises ModelBusy.
        """
        place = self._places.get(name)
        if place is None or not (_wanted(place) or given(place.ordered)):
            return False
        if place.entry.busy and not force:
            raise _in_use(place)
        if _wanted(place):
            self._ledger.withdraw(name, place.fail(death(name, Cause.STOPPED)))
            place.failure = None  # somebody wanted it so
        self._say(place, LoadOptions())
        await self._turnover.emptied(place, "asked")
        return True

    async def unload_idle(self, reason: str) -> str | None:
        """Unload the idle model that is missed least; return its name, None where there is none."""
        name = self._ledger.worst(time.monotonic())
        if name is not None:
            await self._turnover.emptied(self._places[name], reason)
        return name

    def shrink(self, size: int) -> None:
        """Have the caches of all models give up so many bytes, of each that has them."""
        for place in self._places.values():
            for seat in place.live:
                if seat.worker:
                    seat.worker.shrink(size)

    def unmet(self, manifest: ModelManifest, wish: LoadOptions) -> list[str]:
        """Return what a request wishes of the loading of a model that would have to be loaded anew
        for it.
        """
        place = self._places.get(manifest.name)
        if place is None or place.entry.stage not in {Stage.LOADING, Stage.READY}:
            return []
        return unmet(wish, place.actual(), manifest.context_length)

    @property
    def loading(self) -> bool:
        """Whether any model is being loaded."""
        return any(place.entry.stage is Stage.LOADING for place in self._places.values())

    def loaded(self) -> list[LoadedModel]:
        """Describe every model that is loaded, loading, leaving or waited for."""
        places = sorted(self._places.values(), key=lambda place: place.name)
        return [place.describe() for place in places if _wanted(place)]

    def ordered(self) -> list[str]:
        """Return the models for which it was said how to load them, loaded or not."""
        return sorted(place.name for place in self._places.values() if given(place.ordered))

    def failures(self, within: float = _REMEMBERED) -> list[LoadFailure]:
        """Return which models could not be loaded within so many seconds, and have not been
        since.
        """
        since = time.time() - within
        found = [place.failure for place in self._places.values() if place.failure]
        return sorted((one for one in found if one.at >= since), key=lambda one: one.at)

    async def close(self) -> None:
        """Unload all models; `hurry` may cut that short."""
        await self._arranger.close()
        await asyncio.gather(*(self.unload(name) for name in list(self._places)))

    async def hurry(self) -> None:
        """Kill workers that are still saving what they have read."""
        await self._turnover.hurry()

    async def _seated(
        self, place: Residence, prompt: Prompt | None, wish: LoadOptions, *, alone: bool
    ) -> tuple[Seat, Worker]:
        """Wait for the model and choose a worker; the caller counts as one who uses it then."""
        while True:
            if not self._ledger.arrive(place.name, time.monotonic()):
                await self._wait(place, wish)
            try:
                seat = await place.lonely() if alone else place.choose(prompt)
            except BaseException:
                self._depart(place)
                raise
            if seat and seat.worker:
                return seat, seat.worker
            # all its workers died since
            self._depart(place)
            self._turnover.vanished(place)

    async def _wait(self, place: Residence, wish: LoadOptions) -> None:
        loop = asyncio.get_running_loop()
        if not place.line:
            place.wish = wish
        waiter = Waiter(loop.create_future())
        place.line.append(waiter)
        self._tell_waiting()
        limit = self._settings.room_timeout
        timer = loop.call_later(limit, self._overdue, place, waiter) if limit.limited else None
        self._arranger.poke()
        try:
            await waiter.turn
        except BaseException:
            if waiter.admitted:
                self._depart(place)
            elif waiter in place.line:
                place.line.remove(waiter)
                self._ledger.withdraw(place.name)
            self._arranger.poke()
            raise
        finally:
            self._tell_waiting()
            if timer:
                timer.cancel()

    def _overdue(self, place: Residence, waiter: Waiter) -> None:
        if waiter not in place.line or place.entry.stage is Stage.LOADING:
            return
        place.line.remove(waiter)
        self._ledger.withdraw(place.name)
        error = NoRoom(
            f"No room for {place.name} came free in {self._settings.room_timeout}: "
            "the models that take it are in use.",
            hint="Try again later, unload one with `llmd unload`, or raise pool.room_timeout.",
            retry_after=5,
        )
        waiter.turn.set_exception(error)

    def _tell_waiting(self) -> None:
        waiting = [e for e in self._ledger.waiting if e.stage is not Stage.LOADING]
        self._metrics.models.waiting.set(len(waiting))

    def _depart(self, place: Residence) -> None:
        self._ledger.depart(place.name, time.monotonic())
        self._turnover.settle(place)
        self._arranger.poke()

    async def _hold(self, manifest: ModelManifest) -> None:
        async with self.lease(manifest):
            return

    async def _ordered(self, place: Residence, options: LoadOptions) -> None:
        """Note what a user says about loading a model; raise ModelBusy where it would have to be
        loaded anew and is in use.
        """
        stage = place.entry.stage
        there = stage in {Stage.LOADING, Stage.READY}
        if there and (differing := changes(options, place.coming.options)):
            if place.entry.busy:
                raise ModelBusy(
                    f"{place.name} is in use and loaded with another {', '.join(differing)}.",
                    hint="Wait until it is idle, or unload it first.",
                )
            await self._turnover.emptied(place, "changed")
        self._say(place, merged(place.ordered, options))
        if place.entry.stage is not Stage.ABSENT:
            place.coming.options = merged(place.coming.options, options)
            place.entry.pinned = bool(place.coming.options.pinned)

    def _say(self, place: Residence, options: LoadOptions) -> None:
        """Note how users want a model loaded; what was planned otherwise is planned again."""
        place.ordered = options
        if place.entry.stage is Stage.ABSENT:
            place.entry.needs = None
            self._arranger.poke()


def _wanted(place: Residence) -> bool:
    """Whether a model is in memory or waited for."""
    return bool(place.line) or place.entry.stage is not Stage.ABSENT


def _in_use(place: Residence) -> ModelBusy:
    entry = place.entry
    if entry.stage is Stage.LOADING:
        doing = "is being loaded"
    else:
        doing = f"is answering {entry.running + entry.waiting} requests"
    return ModelBusy(f"{place.name} {doing}.", hint="Wait until it is idle, or unload it by force.")


def reserve(settings: PoolSettings) -> int:
    """Return the bytes of main memory that stay free."""
    share = main_memory().total // _SHARE_KEPT_FREE
    return int(settings.reserve) or min(share, _MOST_KEPT_FREE)
