"""The daemon's composition root: builds everything once, starts it, waits for the end, drains and
stops.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from pathlib import Path

import msgspec
import structlog
import uvloop

from llmd import __version__
from llmd.config.paths import Paths, find_paths
from llmd.config.settings import CacheSettings, Settings
from llmd.config.store import load_settings
from llmd.errors import LlmdError
from llmd.models.catalog import Catalogue
from llmd.models.download import Downloads
from llmd.models.drafts import Drafts
from llmd.models.mending import Mending
from llmd.models.placement import Experience
from llmd.models.store import ModelStore
from llmd.protocol.frames import Shelf
from llmd.runtime.devices import Devices
from llmd.runtime.orders import Orders
from llmd.runtime.planner import MemoryPlanner
from llmd.runtime.pool import Pool, reserve
from llmd.runtime.rehearsal import Rehearsal
from llmd.runtime.replay import Replay
from llmd.runtime.vigil import Vigil, look
from llmd.server.listeners import Listeners
from llmd.services.accounts import engines
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.bundle import Services
from llmd.services.catalog import CatalogSearch
from llmd.services.constraints import Constraints
from llmd.services.defaults import Defaults
from llmd.services.descriptions import Descriptions
from llmd.services.gate import Gate
from llmd.services.generation import Generation
from llmd.services.library import Library
from llmd.services.lock import DaemonLock
from llmd.services.planning import Planning
from llmd.services.presets import Presets
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.status import Status, Whereabouts
from llmd.services.upkeep import Upkeep
from llmd.services.variants import Variants
from llmd.services.verification import Verification
from llmd.telemetry.logs import start_logging
from llmd.telemetry.metrics import Metrics
from llmd.telemetry.systemd import Systemd


class Shutdown:
    """The wish to stop: the first one drains, the second one stops at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()

    def ask(self, now: bool = False) -> None:  # noqa: FBT001, FBT002  the shape of Services.shutdown
        """Ask once to drain, again (or with `now`) to stop at once."""
        if now or self._asked.is_set():
            self._hurried.set()
        self._asked.set()

    async def asked(self) -> None:
        """Wait for the first wish."""
        await self._asked.wait()

    async def hurried(self) -> None:
        """Wait for the second."""
        await self._hurried.wait()


class Daemon:
    """All objects of one daemon, each built once, in order."""

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self._paths = paths
        self._settings = settings
        self.shutdown = Shutdown()
        self._metrics = Metrics()
        self._gate = Gate(self._metrics)
        self._catalogue = Catalogue(paths.catalog_file)
        self._store = ModelStore(
            paths.models_dir,
            Path(str(files("llmd") / "assets" / "llmd-tiny-q8_0.gguf")),
            self._catalogue,
        )
        self._downloads = Downloads(self._store, self._catalogue, settings.downloads)
        self._rehearsal = Rehearsal()
        self._constraints = Constraints(self._rehearsal)
        self._planner = MemoryPlanner(
            settings,
            Devices(),
            Experience(paths.experience_file),
            Drafts(self._store, settings.speculation).order,
        )
        self._pool = Pool(
            settings.pool,
            Orders(
                settings.engine,
                settings.media,
                Drafts(self._store, settings.speculation).order,
                _shelf(paths, settings.cache),
            ).load,
            self._planner,
            self._metrics,
        )
        self._vigil = Vigil(self._pool, partial(look, reserve(settings.pool)))
        self._metrics.watch(lambda: engines(self._pool.loaded()))
        self._requests = Requests(self._metrics)
        self._defaults = Defaults(self._store, settings.models, paths.config_file)
        self._quantization = Quantization(self._store, self._gate)
        self._status = Status(self._pool, self._gate)
        self._listeners = Listeners(self._services(), settings.server, paths.socket)
        self._systemd = Systemd.from_environment()

    def _services(self) -> Services:
        pulls = Pulls(self._downloads, self._gate)
        mismatch = self._settings.pool.mismatch
        residents = Residents(self._pool, self._defaults, self._gate, mismatch)
        return Services(
            adapters=Adapters(self._store, self._pool),
            adoption=Adoption(self._store),
            catalog=CatalogSearch(self._catalogue, self._store, self._paths.catalog_file),
            constraints=self._constraints,
            descriptions=Descriptions(self._store, self._pool, self._catalogue),
            defaults=self._defaults,
            generation=Generation(
                self._defaults, Replay(self._pool), self._constraints, self._gate, self._requests
            ),
            planning=Planning(
                self._planner,
                self._pool,
                self._defaults,
                self._catalogue,
                reserve(self._settings.pool),
            ),
            library=Library(self._store, self._defaults, self._pool),
            requests=self._requests,
            quantization=self._quantization,
            residents=residents,
            presets=Presets(self._store, self._pool),
            pulls=pulls,
            status=self._status,
            upkeep=Upkeep(
                self._store,
                self._paths,
                keep_partials=float(self._settings.downloads.keep_partials),
            ),
            verification=Verification(
                self._store, Mending(self._store, self._downloads.conditions)
            ),
            variants=Variants(
                self._store,
                self._catalogue,
                self._defaults,
                pulls,
                self._quantization,
                residents,
                may_quantize=self._settings.models.quantize,
            ),
            metrics=self._metrics,
            sampling=self._settings.sampling,
            media=self._settings.media,
            shutdown=self.shutdown.ask,
        )

    async def run(self) -> None:
        """Serve until asked to stop, then drain."""
        log = structlog.get_logger("daemon")
        for fault in self._catalogue.faults():
            log.warning("an entry of catalog.toml is passed over", **asdict(fault))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.shutdown.ask)
        try:
            self._vigil.start()
            await self._quantization.clean()
            await self._listeners.start()
            self._status.settle(
                Whereabouts(
                    address=self._listeners.address,
                    socket=str(self._paths.socket),
                    log_file=str(self._paths.log_file),
                )
            )
            log.info(
                "ready",
                version=__version__,
                address=self._listeners.address,
                socket=str(self._paths.socket),
            )
            async with self._systemd.watched():
                await self.shutdown.asked()
            await self._drain(log)
        finally:
            await self._vigil.close()
            await self._quantization.close()
            await self._downloads.close()
            await self._rehearsal.close()
            await self._close_pool()
            await self._listeners.stop()
            log.info("stopped")
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                signal.signal(
                    number, signal.SIG_IGN
                )  # one more signal must not spoil the exit code now

    async def _close_pool(self) -> None:
        """Let the workers save what they have read, until somebody is in a hurry."""
        closing = asyncio.ensure_future(self._pool.close())
        hurried = asyncio.ensure_future(self.shutdown.hurried())
        await asyncio.wait([closing, hurried], return_when=asyncio.FIRST_COMPLETED)
        if not closing.done():
            await self._pool.hurry()
        hurried.cancel()
        await closing

    async def _drain(self, log: structlog.stdlib.BoundLogger) -> None:
        limit = self._settings.server.drain_timeout
        log.info("draining", running=self._gate.inside, limit=str(limit))
        self._gate.close()
        self._systemd.notify("STOPPING=1")
        emptied = asyncio.ensure_future(self._gate.emptied(limit))
        hurried = asyncio.ensure_future(self.shutdown.hurried())
        await asyncio.wait([emptied, hurried], return_when=asyncio.FIRST_COMPLETED)
        if self._gate.inside:
            log.warning("running answers are cut off", running=self._gate.inside)
        for task in (emptied, hurried):
            task.cancel()


def _shelf(paths: Paths, settings: CacheSettings) -> Shelf | None:
    if not settings.disk:
        return None
    return Shelf(str(paths.prefixes_dir), int(settings.disk), int(settings.spare))


def _with_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    server = settings.server
    server = msgspec.structs.replace(
        server,
        host=server.host if host is None else host,
        port=server.port if port is None else port,
    )
    return msgspec.structs.replace(settings, server=server)


def main(host: str | None = None, port: int | None = None) -> int:
    """Run the daemon in the foreground; return its exit code. Flags win over environment and file.

    Raises ConfigInvalid for bad settings or an address that cannot be had, AlreadyRunning when
    another daemon holds the lock.
    """
    paths = find_paths()
    settings = _with_address(load_settings(paths.config_file).settings, host, port)
    with DaemonLock(paths.lock_file):
        # systemd's journal names itself; a daemon that a command started has nobody to read it
        watched = sys.stderr.isatty() or "JOURNAL_STREAM" in os.environ
        stop_logging = start_logging(paths.log_file, settings.log, foreground=watched)
        try:
            _run(paths, settings)
        except LlmdError as error:
            structlog.get_logger("daemon").error("cannot start", reason=str(error))
            raise
        finally:
            stop_logging()
    return 0


def _run(paths: Paths, settings: Settings) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(paths, settings))


async def _serve(paths: Paths, settings: Settings) -> None:
    await Daemon(paths, settings).run()
