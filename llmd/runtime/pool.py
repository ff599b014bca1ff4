"""The loaded models: started on demand, shared by all callers, unloaded when idle or when memory is
needed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psutil
import structlog

from llmd.config.settings import PoolSettings
from llmd.errors import ModelBusy, NoRoom, WorkerDied
from llmd.protocol.frames import Load
from llmd.protocol.models import LoadedModel, LoadProgress, Memory, ModelManifest, ModelState
from llmd.runtime.process import Hooks, WorkerProcess
from llmd.runtime.supervisor import Backoff, Cause, death
from llmd.runtime.workers import Worker

StartWorker = Callable[[str, Load, PoolSettings, Hooks], Awaitable[Worker]]

_SHORT_WAIT = 2.0
_PROGRESS_INTERVAL = 0.2


class Residence:
    """The place of one model in the pool; it outlives the worker that happens to fill it."""

    def __init__(self, manifest: ModelManifest) -> None:
        self.manifest = manifest
        self.worker: Worker | None = None
        self.loading: asyncio.Task[Worker] | None = None
        self.progress = 0.0
        self.loaded_at = 0.0
        self.load_seconds = 0.0
        self.leases = 0
        self.last_used = time.monotonic()
        self.unloading = False
        self.backoff = Backoff()
        self.quarantine = asyncio.Lock()
        """Held while a request that saw a worker die runs alone."""
        self.expiry: asyncio.TimerHandle | None = None
        self.expiring: asyncio.Task[bool] | None = None

    @property
    def live(self) -> Worker | None:
        """The worker, if it can take requests."""
        return self.worker if self.worker is not None and self.worker.alive else None

    @property
    def busy(self) -> bool:
        """Whether anybody uses it or waits for it."""
        return self.leases > 0 or self.loading is not None


class Pool:
    """All loaded models of this daemon."""

    def __init__(
        self,
        settings: PoolSettings,
        order: Callable[[ModelManifest], Load],
        observe_cancel: Callable[[float], None],
        start: StartWorker = WorkerProcess.start,
    ) -> None:
        self._settings = settings
        self._order = order
        self._observe_cancel = observe_cancel
        self._start_worker = start
        self._leaving: set[Worker] = set()
        self._places: dict[str, Residence] = {}
        self._log = structlog.get_logger("pool")

    def place(self, manifest: ModelManifest) -> Residence:
        """Return the place of a model, whether it is loaded or not."""
        place = self._places.setdefault(manifest.name, Residence(manifest))
        if not place.busy and place.live is None:
            place.manifest = manifest
        return place

    @asynccontextmanager
    async def lease(self, manifest: ModelManifest) -> AsyncIterator[Worker]:
        """Hand out the model's worker, loading it first if need be; it is not unloaded while
        leased.

        Raises what loading raises, NoRoom when memory does not suffice, and WorkerDied (retriable)
        while a model whose workers keep dying is held back.
        """
        place = self.place(manifest)
        self._keep(place)
        place.leases += 1
        try:
            yield place.live or await self._load(place)
        finally:
            place.leases -= 1
            self._release(place)

    async def load(self, manifest: ModelManifest) -> AsyncGenerator[LoadProgress]:
        """Load a model and report how it goes."""
        place = self.place(manifest)
        task = asyncio.ensure_future(self._hold(manifest))
        try:
            while not task.done():
                yield LoadProgress(status="loading", fraction=place.progress)
                await asyncio.wait([task], timeout=_PROGRESS_INTERVAL)
            task.result()
        finally:
            task.cancel()
        yield LoadProgress(status="ready", fraction=1.0, model=self._describe(place))

    async def unload(self, name: str, *, force: bool = True) -> bool:
        """Stop a model's worker; False when it was not loaded. Without `force`, a busy one raises
        ModelBusy.
        """
        place = self._places.get(name)
        if place is None or (place.worker is None and place.loading is None):
            return False
        if place.busy and not force:
            raise ModelBusy(
                f"{name} is answering {place.leases} requests.", hint="Wait, or unload it first."
            )
        self._log.info("unloading", model=name)
        place.unloading = True
        self._keep(place)
        if place.loading:
            place.loading.cancel()
            await asyncio.wait([place.loading])
        worker, place.worker = place.worker, None
        if worker:
            self._leaving.add(worker)
            await worker.retire()
            self._leaving.discard(worker)
        place.unloading = False
        return True

    def loaded(self) -> list[LoadedModel]:
        """Describe every model that is loaded or loading."""
        places = sorted(self._places.values(), key=lambda place: place.manifest.name)
        return [self._describe(place) for place in places if place.live or place.loading]

    async def close(self) -> None:
        """Unload all models; `hurry` may cut that short."""
        await asyncio.gather(*(self.unload(name) for name in list(self._places)))

    async def hurry(self) -> None:
        """Kill workers that are still saving what they have read."""
        await asyncio.gather(*(worker.stop() for worker in list(self._leaving)))

    async def _hold(self, manifest: ModelManifest) -> None:
        async with self.lease(manifest):
            return

    async def _load(self, place: Residence) -> Worker:
        if place.loading is None:
            place.loading = asyncio.ensure_future(self._start(place))
            place.loading.add_done_callback(lambda _: self._settled(place))
        loading = place.loading
        try:
            # one caller that leaves must not take the model from the others
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if loading.cancelled() and not (task and task.cancelling()):
                raise death(
                    place.manifest.name, Cause.STOPPED
                ) from None  # unloaded while it was loading
            raise

    def _settled(self, place: Residence) -> None:
        task, place.loading = place.loading, None
        if task is not None and not task.cancelled():
            task.exception()  # everybody who waited may have left
        self._release(place)

    async def _start(self, place: Residence) -> Worker:
        name = place.manifest.name
        wait = place.backoff.wait(time.monotonic())
        if wait > _SHORT_WAIT:
            raise WorkerDied(
                f"The process of {name} died several times in a row.",
                hint=f"It is started again in {wait:.0f} s; `llmd logs` has the reason.",
                retry_after=int(wait) + 1,
                model=name,
            )
        await asyncio.sleep(wait)
        await self._make_room(place)
        place.progress = 0.0
        started = time.monotonic()
        self._log.info("loading", model=name, path=place.manifest.path)
        worker = await self._start_worker(
            name, self._order(place.manifest), self._settings, self._hooks(place)
        )
        place.worker = worker
        place.loaded_at = time.time()
        place.load_seconds = time.monotonic() - started
        self._log.info("loaded", model=name, pid=worker.pid, seconds=round(place.load_seconds, 2))
        return worker

    def _hooks(self, place: Residence) -> Hooks:
        def progress(fraction: float) -> None:
            place.progress = fraction

        def died(cause: Cause, lived: float) -> None:
            place.worker = None
            if cause is not Cause.STOPPED:
                place.backoff.died(lived, time.monotonic())

        return Hooks(progress=progress, cancelled=self._observe_cancel, died=died)

    async def _make_room(self, place: Residence) -> None:
        """Unload idle models, least recently used first, while memory or `max_loaded` demand it."""
        limit = self._settings.max_loaded
        while (
            limit and self._count() >= limit
        ) or place.manifest.size > psutil.virtual_memory().available:
            idle = [p for p in self._places.values() if p.worker and not p.busy]
            if not idle:
                break
            await self.unload(min(idle, key=lambda p: p.last_used).manifest.name)
        if limit and self._count() >= limit:
            raise NoRoom(
                f"{limit} models are loaded already and all of them are busy.",
                hint="Wait, unload one with `llmd unload`, or raise pool.max_loaded.",
                retry_after=5,
            )
        available = psutil.virtual_memory().available
        if place.manifest.size > available:
            raise NoRoom(
                f"{place.manifest.name} needs {_gib(place.manifest.size)} for its weights alone, "
                f"but only {_gib(available)} of memory are free.",
                hint="Close other programs, or pull a smaller quantisation.",
                needed=place.manifest.size,
                available=available,
            )

    def _count(self) -> int:
        return sum(place.worker is not None for place in self._places.values())

    def _keep(self, place: Residence) -> None:
        if place.expiry:
            place.expiry.cancel()
            place.expiry = None

    def _release(self, place: Residence) -> None:
        place.last_used = time.monotonic()
        if place.busy or place.worker is None or not self._settings.keep_alive.limited:
            return
        self._keep(place)
        loop = asyncio.get_running_loop()
        place.expiry = loop.call_later(self._settings.keep_alive, self._expire, place)

    def _expire(self, place: Residence) -> None:
        if not place.busy:
            self._log.info("idle", model=place.manifest.name, after=str(self._settings.keep_alive))
            place.expiring = asyncio.ensure_future(self.unload(place.manifest.name))

    def _describe(self, place: Residence) -> LoadedModel:
        worker = place.live
        manifest = place.manifest
        if worker is None:
            return LoadedModel(
                name=manifest.name,
                state=ModelState.LOADING,
                kind=manifest.kind,
                pid=0,
                progress=place.progress,
            )
        ready = worker.ready
        expires_in = None
        if place.expiry:
            expires_in = max(0.0, place.expiry.when() - asyncio.get_running_loop().time())
        return LoadedModel(
            name=manifest.name,
            state=ModelState.UNLOADING if place.unloading else ModelState.READY,
            kind=manifest.kind,
            pid=worker.pid,
            context_length=ready.context_length,
            parallel=ready.parallel,
            kv_tokens=ready.kv_tokens,
            gpu_layers=ready.gpu_layers,
            device=ready.device,
            vision=ready.vision,
            audio=ready.audio,
            running=worker.running,
            activity=worker.activity,
            memory=Memory(ready.weights, ready.kv_cache, _resident(worker.pid)),
            loaded_at=place.loaded_at,
            load_seconds=place.load_seconds,
            expires_in=expires_in,
        )


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
