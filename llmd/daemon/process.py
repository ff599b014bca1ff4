"""The daemon's life: starts everything, waits for the end, drains and stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import asdict

import msgspec
import structlog
import uvloop

from llmd import __version__
from llmd.config.paths import Paths, find_paths
from llmd.config.settings import Settings
from llmd.config.store import load_settings
from llmd.daemon.bundling import bundle
from llmd.daemon.foundation import Foundation
from llmd.daemon.people import People
from llmd.daemon.shutdown import Shutdown
from llmd.errors import LlmdError
from llmd.server.listeners import Listeners
from llmd.services.lock import DaemonLock
from llmd.services.status import Whereabouts
from llmd.telemetry.logs import start_logging
from llmd.telemetry.systemd import Systemd


class Daemon:
    """One daemon."""

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self._paths = paths
        self._settings = settings
        self.shutdown = Shutdown()
        self._base = Foundation(paths, settings)
        self._people = People()
        self._services = bundle(self._base, self._people, self.shutdown.ask)
        self._listeners = Listeners(self._services, settings.server, paths.socket)
        self._systemd = Systemd.from_environment()

    async def run(self) -> None:
        """Serve until asked to stop, then drain."""
        log = structlog.get_logger("daemon")
        for fault in self._base.catalogue.faults():
            log.warning("an entry of catalog.toml is passed over", **asdict(fault))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.shutdown.ask)
        try:
            self._base.vigil.start()
            await self._services.quantization.clean()
            await self._listeners.start()
            self._services.status.settle(
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
            await self._base.vigil.close()
            await self._services.quantization.close()
            await self._base.downloads.close()
            await self._base.rehearsal.close()
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
        self._systemd.notify("STOPPING=1")
        emptied = asyncio.ensure_future(self._base.gate.emptied(limit))
        hurried = asyncio.ensure_future(self.shutdown.hurried())
        await asyncio.wait([emptied, hurried], return_when=asyncio.FIRST_COMPLETED)
        if self._base.gate.inside:
            log.warning("running answers are cut off", running=self._base.gate.inside)
        for task in (emptied, hurried):
            task.cancel()


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
