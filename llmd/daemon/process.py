"""The daemon's life: starts everything, waits for the end, drains and stops."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys
from dataclasses import asdict

import msgspec
import structlog
import uvloop

from llmd import __version__
from llmd.config.paths import Paths, find_paths
from llmd.config.store import Loaded, load_settings
from llmd.daemon.bundling import bundle
from llmd.daemon.foundation import Foundation
from llmd.daemon.people import People
from llmd.daemon.shutdown import Shutdown
from llmd.errors import LlmdError
from llmd.security.exposure import check_listeners
from llmd.server.activation import Inherited, inherited
from llmd.server.listeners import Listeners
from llmd.services.lock import DaemonLock
from llmd.services.status import Whereabouts
from llmd.telemetry.logs import start_logging
from llmd.telemetry.systemd import Systemd

_FILES = 8192


class Daemon:
    """One daemon."""

    def __init__(self, paths: Paths, loaded: Loaded, given: Inherited) -> None:
        settings = loaded.settings
        self._paths = paths
        self._settings = settings
        self.shutdown = Shutdown()
        self._base = Foundation(paths, settings)
        self._people = People(paths, settings, self._base.metrics)
        self._services = bundle(self._base, self._people, loaded.sources, self.shutdown.ask)
        self._listeners = Listeners(self._services, settings.server, paths, given)
        self._systemd = Systemd.from_environment()

    async def run(self) -> None:
        """Serve until asked to stop, then drain."""
        log = structlog.get_logger("daemon")
        for fault in self._base.catalogue.faults():
            log.warning("an entry of catalog.toml is passed over", **asdict(fault))
        loop = asyncio.get_running_loop()
        endings = _endings()
        for number in endings:
            # not the loop's own way, which would leave a moment at the end in which one more kills
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.shutdown.ask))
        try:
            await self._people.open()
            self._base.vigil.start()
            await self._services.jobs.open()
            await self._services.quantization.clean()
            await self._listeners.start()
            await self._listeners.start_grpc(self._settings.grpc)
            self._services.status.settle(
                Whereabouts(
                    address=self._listeners.address,
                    grpc=self._listeners.grpc,
                    socket=self._listeners.control,
                    log_file=str(self._paths.log_file),
                    security=str(self._settings.security.mode),
                )
            )
            log.info(
                "ready",
                version=__version__,
                address=self._listeners.address,
                socket=self._listeners.control,
            )
            self._services.deployments.resume()
            # what is there now stays: looking through all of it for garbage would hold up every
            # answer for a fifth of a second
            gc.freeze()
            async with self._systemd.watched():
                await self.shutdown.asked()
            await self._drain(log)
        finally:
            await self._close()
            log.info("stopped")
            for number in endings:
                signal.signal(number, signal.SIG_IGN)  # one more must not spoil the exit code now

    async def _close(self) -> None:
        """End everything; what came of answers that are cut off is kept first."""
        await self._services.turns.close()
        await self._base.vigil.close()
        await self._services.deployments.close()
        await self._services.jobs.close()
        await self._services.stock.close()
        await self._services.quantization.close()
        await self._base.downloads.close()
        await self._base.rehearsal.close()
        await self._close_pool()
        await self._services.feed.close()
        self._services.logbook.close()
        await self._listeners.stop()
        await self._people.close()
        await self._base.tracing.close()

    async def _close_pool(self) -> None:
        """Let the workers save what they have read, until somebody is in a hurry."""
        closing = asyncio.ensure_future(self._base.pool.close())
        hurried = asyncio.ensure_future(self.shutdown.hurried())
        await asyncio.wait([closing, hurried], return_when=asyncio.FIRST_COMPLETED)
        if not closing.done():
            await self._base.pool.hurry()
        hurried.cancel()
        await closing

    async def _drain(self, log: structlog.stdlib.BoundLogger) -> None:
        limit = self._settings.server.drain_timeout
        log.info("draining", running=self._base.gate.inside, limit=str(limit))
        self._base.gate.close()
        await self._listeners.drain()
        self._systemd.notify("STOPPING=1")
        # they go on when llmd is back, so nobody has to wait for them
        await self._services.deployments.close()
        await self._services.jobs.close()
        emptied = asyncio.ensure_future(self._base.gate.emptied(limit))
        hurried = asyncio.ensure_future(self.shutdown.hurried())
        await asyncio.wait([emptied, hurried], return_when=asyncio.FIRST_COMPLETED)
        if self._base.gate.inside:
            log.warning("running answers are cut off", running=self._base.gate.inside)
        for task in (emptied, hurried):
            task.cancel()


def _endings() -> list[signal.Signals]:
    """Return the signals that ask for the end; that a terminal was closed does not where it is
    ignored, as by `nohup`.
    """
    found = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


def _with_address(loaded: Loaded, host: str | None, port: int | None, source: str) -> Loaded:
    """Return what was loaded, but for what else says the address."""
    given = {"host": host, "port": port}
    said = {field: value for field, value in given.items() if value is not None}
    server = msgspec.structs.replace(loaded.settings.server, **said)
    return Loaded(
        msgspec.structs.replace(loaded.settings, server=server),
        {**loaded.sources, **{f"server.{field}": source.format(field=field) for field in said}},
    )


def _allow_many_files() -> None:
    """Raise the soft limit of open files: each connection is one, and 1024 is the usual limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(host: str | None = None, port: int | None = None) -> int:
    """Run the daemon in the foreground; return its exit code. Flags win over environment and file,
    and sockets that a service manager hands over win over all.

    Raises ConfigInvalid for bad settings or an address that cannot be had, AlreadyRunning when
    another daemon holds the lock.
    """
    paths = find_paths()
    given = inherited()
    loaded = load_settings(paths.config_file)
    if given.address:
        loaded = _with_address(loaded, *given.address, "socket activation")
    else:
        loaded = _with_address(loaded, host, port, "--{field}")
    settings = loaded.settings
    _allow_many_files()
    with DaemonLock(paths.lock_file):
        # systemd's journal names itself; a daemon that a command started has nobody to read it
        watched = sys.stderr.isatty() or "JOURNAL_STREAM" in os.environ
        stop_logging = start_logging(paths.log_file, settings.log, foreground=watched)
        try:
            check_listeners(settings)
            _run(paths, loaded, given)
        except LlmdError as error:
            structlog.get_logger("daemon").error("cannot start", reason=str(error))
            raise
        finally:
            stop_logging()
    return 0


def _run(paths: Paths, loaded: Loaded, given: Inherited) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(paths, loaded, given))


async def _serve(paths: Paths, loaded: Loaded, given: Inherited) -> None:
    await Daemon(paths, loaded, given).run()
