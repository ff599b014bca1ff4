"""The sockets: a Unix one for the owner, a TCP one for local apps."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

import structlog
from aiohttp import web

from llmd.config.settings import ServerSettings
from llmd.errors import AlreadyRunning, ConfigInvalid
from llmd.server.application import SOCKET_MOUNTS, TCP_MOUNTS, Mount, build
from llmd.services.bundle import Services

_BACKLOG = 1024
_LAST_WORDS = 1.0


class Listeners:
    """Both listeners, with their life."""

    def __init__(self, services: Services, settings: ServerSettings, socket_path: Path) -> None:
        self._services = services
        self._settings = settings
        self._path = socket_path
        self._runners: list[web.AppRunner] = []
        self._bound = False
        self.address = ""

    async def start(self) -> None:
        """Listen; raise ConfigInvalid when the TCP address cannot be had, AlreadyRunning when the
        socket is alive.
        """
        await self._start_tcp()
        listening = bind_unix(self._path)
        self._bound = True
        unix = await self._runner(SOCKET_MOUNTS)
        await web.SockSite(unix, listening, backlog=_BACKLOG).start()

    async def _start_tcp(self) -> None:
        tcp = await self._runner(TCP_MOUNTS)
        host, port = self._settings.host, self._settings.port
        try:
            await web.TCPSite(tcp, host, port, backlog=_BACKLOG).start()
        except OSError as error:
            raise _no_address(host, port, error) from error
        port = tcp.addresses[0][1]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Take no new connection and close the open ones."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        if self._bound:
            self._path.unlink(missing_ok=True)

    async def _runner(self, mounts: Sequence[Mount]) -> web.AppRunner:
        runner = web.AppRunner(
            build(self._services, self._settings, mounts, trusted=mounts is SOCKET_MOUNTS),
            handler_cancellation=True,  # a client that leaves cancels its request
            shutdown_timeout=_LAST_WORDS,
            access_log=None,
            keepalive_timeout=float(self._settings.keepalive_timeout),
        )
        await runner.setup()
        self._runners.append(runner)
        return runner


def bind_unix(path: Path) -> socket.socket:
    """Bind a socket of mode 0600 in a directory of mode 0700; a stale one is replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    info = path.parent.stat()
    if info.st_uid != os.getuid():
        raise ConfigInvalid(
            f"{path.parent} belongs to another user.", hint="Set LLMD_SOCKET to a path of your own."
        )
    if stat.S_IMODE(info.st_mode) & 0o077:
        path.parent.chmod(0o700)
    if path.exists():
        _clear_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
    except OSError as error:
        listening.close()
        raise ConfigInvalid(
            f"The socket {path} cannot be made: {error.strerror or error}.",
            hint="Set LLMD_SOCKET to another path.",
        ) from error
    finally:
        os.umask(before)
    return listening


def _clear_stale(path: Path) -> None:
    """Remove a socket that nobody answers on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            structlog.get_logger("listeners").info("stale socket removed", path=str(path))
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass
    raise AlreadyRunning(
        f"Something answers on {path} already.", hint="`llmd stop` ends a running daemon."
    )


def _no_address(host: str, port: int, error: OSError) -> ConfigInvalid:
    why = (
        "is in use"
        if error.errno == errno.EADDRINUSE
        else f"cannot be had: {error.strerror or error}"
    )
    return ConfigInvalid(
        f"The address {host}:{port} {why}.",
        hint="Choose another with `llmd config set server.port PORT`, or stop what uses it.",
        param="server.port",
    )
