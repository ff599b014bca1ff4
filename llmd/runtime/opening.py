"""Starts the workers of a model, all it is to have, and a new one for each that dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from llmd.config.settings import PoolSettings
from llmd.errors import LlmdError, LoadFailed, WorkerDied
from llmd.protocol.frames import Load
from llmd.protocol.models import ModelManifest
from llmd.protocol.placement import LoadOptions, Plan
from llmd.runtime.process import Hooks
from llmd.runtime.residence import Residence, Seat
from llmd.runtime.supervisor import Cause
from llmd.runtime.workers import Worker
from llmd.telemetry.metrics import Metrics

StartWorker = Callable[[str, Load, PoolSettings, Hooks], Awaitable[Worker]]
Order = Callable[[ModelManifest, LoadOptions, Plan], Load]
"""Writes the first frame to a worker: the model, what is said about loading it, where it fits."""

_SHORT_WAIT = 2.0
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0
"""Seconds until a worker that could not be replaced is tried again; they double."""


class Opening:
    """Fills the seats of models; `lost` is told of every worker that goes."""

    def __init__(
        self, settings: PoolSettings, order: Order, start: StartWorker, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._order = order
        self._start = start
        self._metrics = metrics
        self._log = structlog.get_logger("pool")
        self.lost: Callable[[Residence, Seat], None] = lambda _place, _seat: None
        self.stirred: Callable[[], None] = lambda: None

    async def open(self, place: Residence) -> float:
        """Start all workers of a model and return how many seconds it took.

        Raises what loading raises, and WorkerDied (retriable) while a model whose workers keep
        dying is held back; then none is left running.
        """
        await self._cool_down(place)
        started = time.monotonic()
        self._log.info("loading", model=place.name, path=place.manifest.path)
        plan = place.coming.plan
        if plan and plan.shrunk:
            self._log.warning("less than wished", model=place.name, notes=plan.notes)
        seats = [Seat(number) for number in range(place.coming.options.instances or 1)]
        place.dispatch.clear()
        try:
            for seat in seats:
                seat.worker = await self._fill(place, seat, len(seats))
        except BaseException:
            await asyncio.gather(*(seat.worker.stop() for seat in seats if seat.worker))
            raise
        place.seats = seats
        place.coming.loaded_at = time.time()
        seconds = time.monotonic() - started
        pids = [seat.worker.pid for seat in seats if seat.worker]
        self._log.info("loaded", model=place.name, pids=pids, seconds=round(seconds, 2))
        return seconds

    def mend(self, place: Residence, seat: Seat) -> None:
        """Replace a worker that died beside others, however long that takes; once is enough."""
        if seat.mending is None or seat.mending.done():
            seat.mending = asyncio.ensure_future(self._mend(place, seat))

    async def _mend(self, place: Residence, seat: Seat) -> None:
        place.dispatch.forget(seat.number)
        pause = _FIRST_PAUSE
        while not seat.live:
            await asyncio.sleep(place.backoff.wait(time.monotonic()))
            try:
                seat.worker = await self._fill(place, seat, len(place.seats))
            except LlmdError as error:
                reason = str(error)
                self._log.warning(
                    "a worker is not replaced yet", model=place.name, reason=reason, again_in=pause
                )
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, 2 * pause)
                continue
            seat.reserved = place.quarantine.locked()
            place.stir()

    async def _fill(self, place: Residence, seat: Seat, seats: int) -> Worker:
        coming = place.coming
        assert coming.plan is not None  # noqa: S101  nothing is loaded without one

        def progress(share: float) -> None:
            coming.progress = (seat.number + share) / seats

        def died(cause: Cause, lived: float) -> None:
            seat.worker = None
            if cause is not Cause.STOPPED:
                place.backoff.died(lived, time.monotonic())
                self._metrics.models.deaths.labels(place.name, str(cause)).inc()
            self.lost(place, seat)

        hooks = Hooks(
            progress=progress,
            cancelled=self._metrics.observe_cancel,
            died=died,
            shrunk=self._metrics.models.shrunk_bytes.inc,
            stirred=self.stirred,
        )
        load = self._order(place.manifest, coming.options, coming.plan)
        try:
            return await self._start(place.name, load, self._settings, hooks)
        except OSError as error:
            raise LoadFailed(
                f"No process could be started for {place.name}: {error.strerror or error}.",
                hint="Close other programs, or raise the limits of this user.",
            ) from error

    @staticmethod
    async def _cool_down(place: Residence) -> None:
        wait = place.backoff.wait(time.monotonic())
        if wait > _SHORT_WAIT:
            raise WorkerDied(
                f"The process of {place.name} died several times in a row.",
                hint=f"It is started again in {wait:.0f} s; `llmd logs` has the reason.",
                retry_after=int(wait) + 1,
                model=place.name,
            )
        await asyncio.sleep(wait)
