"""The daemon as those see it who watch: one snapshot a second, made once for all of them, and none
while nobody watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec
import psutil
import structlog

from llmd.errors import Draining
from llmd.protocol.feed import GpuLoad, MachineLoad, Snapshot
from llmd.protocol.integrity import DiskRoom
from llmd.protocol.placement import DeviceRoom
from llmd.protocol.reports import RequestList
from llmd.runtime.room import MAIN_MEMORY
from llmd.services.deployments import Deployments
from llmd.services.history import Past
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.status import Status

_PERIOD = 1.0
_SHOWN = 100
"""Ended requests in a snapshot."""
_QUICK = 5.0
"""Seconds between looks at GPUs whose driver says what is free."""
_SLOW = 60.0
"""The same where a process has to be started to learn it, or where there are none."""
_DISK = 15.0
"""Seconds between looks at the disk."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where a snapshot comes from."""

    status: Status
    requests: Requests
    pulls: Pulls
    quantization: Quantization
    deployments: Deployments
    rooms: Callable[[], Awaitable[list[DeviceRoom]]]
    """Looks at the devices; it may take seconds."""
    disk: Callable[[], Awaitable[DiskRoom]]
    """Looks at the disk."""


class Feed:
    """Snapshots for any number of watchers."""

    def __init__(
        self, sources: Sources, period: float = _PERIOD, clock: Callable[[], float] = time.time
    ) -> None:
        self._sources = sources
        self._period = period
        self._clock = clock
        self._past = Past()
        self._gpus = _Gpus(sources.rooms)
        self._disk = _Disk(sources.disk)
        self._beside = [_Beside(self._gpus.see), _Beside(self._disk.see)]
        self._latest: Snapshot | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._watchers: set[asyncio.Event] = set()
        self._over = False

    @property
    def watched(self) -> bool:
        """Whether snapshots are being made."""
        return self._ticking is not None

    async def watch(self) -> AsyncGenerator[Snapshot]:
        """Yield the present snapshot, then each new one; the slow miss some. It ends with the
        daemon; raises Draining when it has ended before.
        """
        if self._over:
            raise Draining("llmd is shutting down.", hint="Try again once it is back.")
        news = asyncio.Event()
        self._watchers.add(news)
        try:
            yield self._begun()
            while True:
                await news.wait()
                news.clear()
                if self._over or self._latest is None:
                    return
                yield self._latest
        finally:
            self._watchers.discard(news)
            if not self._watchers:
                await self._rest()

    async def close(self) -> None:
        """Let all watchers go."""
        self._over = True
        for watcher in self._watchers:
            watcher.set()
        await self._rest()

    def _begun(self) -> Snapshot:
        """Return the present snapshot; the first watcher has them made."""
        if self._ticking is None or self._latest is None:
            psutil.cpu_percent(None)  # its figures count from the call before
            self._latest = self._look()
            self._ticking = asyncio.ensure_future(self._tick())
        return self._latest

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            try:
                self._latest = self._look()
            except OSError as error:  # too many files are open, say
                structlog.get_logger("feed").warning("no snapshot", reason=str(error))
                continue
            for watcher in self._watchers:
                watcher.set()

    async def _rest(self) -> None:
        ticking, self._ticking = self._ticking, None
        if ticking:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
        await asyncio.gather(*(beside.close() for beside in self._beside))

    def _look(self) -> Snapshot:
        now, sources = self._clock(), self._sources
        for beside in self._beside:
            beside.look()
        status = sources.status.report()
        requests = sources.requests.list()
        machine = MachineLoad(
            cpu=psutil.cpu_percent(None),
            cores=psutil.cpu_count() or 1,
            memory_used=status.memory_used,
            memory_total=status.memory_total,
            gpus=self._gpus.seen,
            disk=self._disk.seen,
        )
        return Snapshot(
            at=now,
            status=status,
            requests=RequestList(requests.live, requests.ended[-_SHOWN:]),
            machine=machine,
            downloads=sources.pulls.under_way(),
            quantizations=sources.quantization.under_way(),
            deployments=[*sources.deployments.under_way()],
            history=self._past.add(now, machine, status.loaded, requests),
        )


class _Beside:
    """Looks at something beside the snapshots, which never wait for it."""

    def __init__(self, see: Callable[[], Awaitable[float]]) -> None:
        """`see` looks, and returns the seconds until the next look."""
        self._see = see
        self._next = 0.0
        self._looking: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Look anew when that is due."""
        done = self._looking is None or self._looking.done()
        if done and time.monotonic() >= self._next:
            self._looking = asyncio.ensure_future(self._look())

    async def close(self) -> None:
        """Look no more."""
        looking, self._looking = self._looking, None
        if looking:
            looking.cancel()
            await asyncio.wait([looking])

    async def _look(self) -> None:
        self._next = time.monotonic() + await self._see()


class _Gpus:
    """What GPUs are busy with."""

    def __init__(self, rooms: Callable[[], Awaitable[list[DeviceRoom]]]) -> None:
        self._rooms = rooms
        self.seen: list[GpuLoad] = []

    async def see(self) -> float:
        try:
            rooms = await self._rooms()
        except OSError as error:  # the process that looks could not be started
            structlog.get_logger("feed").warning("GPUs cannot be looked at", reason=str(error))
            rooms = []
        gpus = [room for room in rooms if room.device != MAIN_MEMORY]
        self.seen = [
            GpuLoad(device=gpu.device, description=gpu.description, total=gpu.total, free=gpu.free)
            for gpu in gpus
        ]
        quick = bool(gpus) and all(gpu.others is not None for gpu in gpus)
        return _QUICK if quick else _SLOW


class _Disk:
    """How full the disk is."""

    def __init__(self, room: Callable[[], Awaitable[DiskRoom]]) -> None:
        self._room = room
        self.seen = DiskRoom()

    async def see(self) -> float:
        try:
            self.seen = await self._room()
        except OSError as error:  # it was taken away
            structlog.get_logger("feed").warning("no look at the disk", reason=str(error))
            self.seen = DiskRoom()
        return _DISK
