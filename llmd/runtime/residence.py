"""The place of one model in the pool: its workers, the requests that wait for it, how it was loaded
and how long it stays. It outlives the workers that happen to fill it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import msgspec

from llmd.errors import LlmdError
from llmd.protocol.models import (
    LoadedModel,
    LoadFailure,
    Memory,
    ModelManifest,
    ModelState,
)
from llmd.protocol.placement import DeviceUse, LoadOptions, Plan
from llmd.protocol.requests import Prompt
from llmd.runtime.residency import Dispatch, Entry, Stage
from llmd.runtime.residency.dispatch import beginnings
from llmd.runtime.residency.wishes import merged
from llmd.runtime.supervisor import Backoff
from llmd.runtime.tally import filled, resident, summed, times, together
from llmd.runtime.workers import Worker

_STATES = {
    Stage.ABSENT: ModelState.WAITING,
    Stage.LOADING: ModelState.LOADING,
    Stage.READY: ModelState.READY,
    Stage.LEAVING: ModelState.UNLOADING,
}


@dataclass(slots=True, eq=False)
class Seat:
    """What one worker of a model fills."""

    number: int
    worker: Worker | None = None
    running: int = 0
    reserved: bool = False
    """Whether only a request that is tried alone may have it."""
    mending: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """Whether it can take requests."""
        return self.worker is not None and self.worker.alive


@dataclass(slots=True)
class Lifetime:
    """How long a model stays when nobody uses it."""

    usual: float
    """Seconds, as settings say; negative: for ever."""
    wished: float | None = None
    """What the latest request said."""
    expiry: asyncio.TimerHandle | None = None

    def seconds(self, options: LoadOptions) -> float:
        """Return how long it stays; negative: for ever."""
        if self.wished is not None:
            return self.wished
        if options.keep_alive is not None:
            return options.keep_alive
        return -1.0 if options.pinned else self.usual

    def renew(self) -> None:
        """It is in use."""
        if self.expiry:
            self.expiry.cancel()
            self.expiry = None


@dataclass(slots=True)
class Coming:
    """How a model is being loaded, or was."""

    options: LoadOptions = field(default=LoadOptions())
    plan: Plan | None = None
    progress: float = 0.0
    loaded_at: float = 0.0
    task: asyncio.Task[None] | None = None


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that cannot begin yet."""

    turn: asyncio.Future[None]
    admitted: bool = False
    """Whether it counts as one that goes on, also when it left a moment before."""


@dataclass(slots=True, eq=False)
class Residence:
    """One model, loaded or not."""

    manifest: ModelManifest
    entry: Entry
    lifetime: Lifetime
    ordered: LoadOptions = field(default=LoadOptions())
    """What users said with `llmd load`; holds until they unload it."""
    wish: LoadOptions = field(default=LoadOptions())
    """What the first of the waiting requests would like."""
    seats: list[Seat] = field(default_factory=list)
    coming: Coming = field(default_factory=Coming)
    departure: asyncio.Task[None] | None = None
    line: list[Waiter] = field(default_factory=list)
    """Those who wait, in the order in which they came."""
    backoff: Backoff = field(default_factory=Backoff)
    quarantine: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a request that saw a worker die runs alone."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    dispatch: Dispatch = field(default_factory=Dispatch)
    failure: LoadFailure | None = None
    """Why it could not be loaded when that was last tried."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def options(self) -> LoadOptions:
        """What manifest and users say about loading it."""
        return merged(self.manifest.options, self.ordered)

    @property
    def live(self) -> list[Seat]:
        """Seats that can take requests."""
        return [seat for seat in self.seats if seat.live]

    @property
    def crowded(self) -> bool:
        """Whether a request that is tried alone leaves no worker for others."""
        return len(self.live) <= 1

    def choose(self, prompt: Prompt | None) -> Seat | None:
        """Return the seat for a request; None where there is none."""
        open_seats = [seat for seat in self.live if not seat.reserved] or self.live
        if len(open_seats) <= 1:
            return open_seats[0] if open_seats else None
        keys = beginnings(prompt) if prompt is not None else []
        number = self.dispatch.choose({seat.number: seat.running for seat in open_seats}, keys)
        return next(seat for seat in open_seats if seat.number == number)

    async def lonely(self) -> Seat | None:
        """Return a seat with no request in it, reserved, or the only one there is; None once all
        workers are gone.
        """
        while live := self.live:
            for seat in live:
                if not seat.running or len(live) == 1:
                    seat.reserved = True
                    return seat
            self.changed.clear()
            await self.changed.wait()
        return None

    def stir(self) -> None:
        """Wake those who look for a seat of their own."""
        self.changed.set()

    def admit(self) -> None:
        """All who wait go on."""
        self.failure = None
        line, self.line = self.line, []
        for waiter in line:
            waiter.admitted = True
            if not waiter.turn.done():
                waiter.turn.set_result(None)

    def fail(self, error: LlmdError) -> int:
        """All who wait get an error; return how many."""
        self.failure = LoadFailure(
            model=self.name,
            at=time.time(),
            code=error.code,
            message=error.message,
            hint=error.hint,
        )
        line, self.line = self.line, []
        for waiter in line:
            if not waiter.turn.done():
                waiter.turn.set_exception(error)
        return len(line)

    def uses(self) -> list[DeviceUse]:
        """Return what it was planned to take, all workers together."""
        plan, count = self.coming.plan, self.coming.options.instances or 1
        return [times(use, count) for use in plan.uses] if plan else []

    def actual(self) -> LoadOptions:
        """Return how it is loaded, as far as that is settled."""
        plan, live = self.coming.plan, self.live
        if plan is None:
            return self.coming.options
        settled = LoadOptions(
            context_length=plan.context_length,
            parallel=plan.parallel,
            kv_tokens=plan.kv_tokens,
            kv_type=plan.kv_type,
            gpu_layers=plan.gpu_layers,
        )
        if live and live[0].worker:
            ready = live[0].worker.ready
            settled = msgspec.structs.replace(
                settled, context_length=ready.context_length, gpu_layers=ready.gpu_layers
            )
        return merged(self.coming.options, settled)

    def stays(self) -> float | None:
        """Return the seconds it stays when idle; None: for ever."""
        seconds = self.lifetime.seconds(self.coming.options)
        return seconds if seconds >= 0 else None

    def describe(self) -> LoadedModel:
        """Return it as a row of `llmd ps`."""
        plain = LoadedModel(
            name=self.name,
            state=_STATES[self.entry.stage],
            kind=self.manifest.kind,
            pid=0,
            progress=self.coming.progress,
            keep_alive=self.stays(),
            pinned=self.entry.pinned,
            instances=len(self.live),
            waiting=len(self.line),
            options=self.coming.options,
            predicted=self.uses(),
        )
        workers = [seat.worker for seat in self.seats if seat.worker]
        return _filled(plain, self, workers) if workers else plain


def _filled(plain: LoadedModel, place: Residence, workers: list[Worker]) -> LoadedModel:
    """Return the row of a model that has workers."""
    ready, expiry = workers[0].ready, place.lifetime.expiry
    loop = asyncio.get_running_loop()
    pids = [worker.pid for worker in workers]
    activity = together([worker.activity for worker in workers])
    measured = summed([use for worker in workers for use in worker.ready.measured])
    weights = sum(worker.ready.weights for worker in workers)
    kv_cache = sum(worker.ready.kv_cache for worker in workers)
    return msgspec.structs.replace(
        plain,
        pid=pids[0],
        pids=pids,
        context_length=ready.context_length,
        parallel=ready.parallel,
        kv_tokens=sum(worker.ready.kv_tokens for worker in workers),
        gpu_layers=ready.gpu_layers,
        device=ready.device,
        vision=ready.vision,
        audio=ready.audio,
        running=sum(worker.running for worker in workers),
        activity=activity,
        memory=Memory(weights, kv_cache, sum(map(resident, pids))),
        loaded_at=place.coming.loaded_at,
        load_seconds=place.entry.load_seconds,
        measured=filled(measured, activity.cache_bytes),
        expires_in=max(0.0, expiry.when() - loop.time()) if expiry else None,
        progress=1.0,
    )
