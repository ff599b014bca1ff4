"""The sockets: a Unix one for the owner, a TCP one for local apps, and gRPC where it is enabled.
Those that a service manager hands over take the place of the daemon's own.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from llmd.config.grpc import GrpcSettings
from llmd.config.paths import Paths
from llmd.config.settings import ServerSettings
from llmd.errors import AlreadyRunning, ConfigInvalid
from llmd.server.activation import Inherited, address_of
from llmd.server.application import SOCKET_MOUNTS, TCP_MOUNTS, build
from llmd.server.http import malformed
from llmd.server.http.connections import GuardedSite
from llmd.server.http.keys import WATCH
from llmd.server.http.route import Mount
from llmd.services.bundle import Services

if TYPE_CHECKING:
    from llmd.server.rpc.server import RpcServer

_BACKLOG = 1024
_LAST_WORDS = 1.0


class Listeners:
    """All listeners, with their life."""

    def __init__(
        self,
        services: Services,
        settings: ServerSettings,
        paths: Paths,
        given: Inherited = Inherited(),  # noqa: B008  it cannot be changed
    ) -> None:
        self._services = services
        self._settings = settings
        self._paths = paths
        self._given = given
        self._runners: list[web.AppRunner] = []
        self._bound = False
        self._rpc: RpcServer | None = None
        self.address = ""
        self.grpc = ""
        """Address of gRPC; empty: it is not listened for."""

    async def start(self) -> None:
        """Listen; raise ConfigInvalid when the TCP address cannot be had, AlreadyRunning when the
        socket is alive.
        """
        for listening in self._given.tcp:
            await self._site(await self._runner(TCP_MOUNTS), sock=listening).start()
            self.address = self.address or _url(*address_of(listening))
        if not self._given.tcp:
            await self._start_tcp()
        for listening in self._given.unix or (self._bind(),):
            await self._site(await self._runner(SOCKET_MOUNTS), sock=listening).start()

    @property
    def control(self) -> str:
        """Path of the Unix socket."""
        return self._given.path or str(self._paths.socket)

    def _bind(self) -> socket.socket:
        listening = bind_unix(self._paths.socket, private=self._paths.socket_dir_is_ours)
        self._bound = True
        return listening

    async def start_grpc(self, settings: GrpcSettings) -> None:
        """Listen for gRPC too, where that is enabled; raise ConfigInvalid when the address cannot
        be had or certificates are wrong.
        """
        if not settings.enabled:
            return
        # gRPC would take locks in children between fork and exec, and writes to stderr by itself
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from llmd.server.rpc.server import RpcServer  # noqa: PLC0415  most daemons never need it

        self._rpc = RpcServer(self._services, settings, self._settings)
        await self._rpc.start()
        self.grpc = self._rpc.address

    async def drain(self) -> None:
        """Tell who watches that no new requests are taken."""
        if self._rpc:
            await self._rpc.drain()

    async def _start_tcp(self) -> None:
        tcp = await self._runner(TCP_MOUNTS)
        host, port = self._settings.host, self._settings.port
        try:
            await self._site(tcp, host=host, port=port).start()
        except OSError as error:
            raise _no_address(host, port, error) from error
        self.address = _url(host, tcp.addresses[0][1])

    async def stop(self) -> None:
        """Take no new connection and close the open ones."""
        if self._rpc:
            await self._rpc.stop()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        if self._bound:
            self._paths.socket.unlink(missing_ok=True)

    @staticmethod
    def _site(runner: web.AppRunner, **where: Any) -> GuardedSite:
        return GuardedSite(runner, runner.app[WATCH], _BACKLOG, **where)

    async def _runner(self, mounts: Sequence[Mount]) -> web.AppRunner:
        runner = web.AppRunner(
            build(self._services, self._settings, mounts, trusted=mounts is SOCKET_MOUNTS),
            handler_cancellation=True,  # a client that leaves cancels its request
            shutdown_timeout=_LAST_WORDS,
            access_log=None,
            logger=malformed.LOGGER,
            keepalive_timeout=float(self._settings.keepalive_timeout),
        )
        await runner.setup()
        self._runners.append(runner)
        return runner


def bind_unix(path: Path, *, private: bool) -> socket.socket:
    """Bind a socket of mode 0600; a stale one is replaced. A missing directory is made with mode
    0700; one that is there is closed to others if it is `private`, llmd's alone.

    Raises ConfigInvalid for a place that cannot be had or is not safe, AlreadyRunning when the
    socket is alive.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_directory(path.parent, private=private)
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


def _check_directory(directory: Path, *, private: bool) -> None:
    info = directory.stat()
    if info.st_uid != os.getuid():
        raise ConfigInvalid(
            f"{directory} belongs to another user.", hint="Set LLMD_SOCKET to a path of your own."
        )
    if private and stat.S_IMODE(info.st_mode) & 0o077:
        directory.chmod(0o700)
    elif info.st_mode & stat.S_IWOTH and not info.st_mode & stat.S_ISVTX:
        raise ConfigInvalid(
            f"Every user may replace files in {directory}, a socket too.",
            hint="Set LLMD_SOCKET to a path in a directory that only you may write.",
        )


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _clear_stale(path: Path) -> None:
    """Remove a socket that nobody answers on; raise ConfigInvalid for what is no socket."""
    if not path.is_socket():
        raise ConfigInvalid(
            f"{path} is there already and is no socket.",
            hint="Set LLMD_SOCKET to another path, or move it away.",
        )
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
