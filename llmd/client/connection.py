"""HTTP/1.1 over a Unix socket with the standard library: an HTTP package would cost more to import
than `llmd ps` takes.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from llmd.errors import DaemonUnreachable


class UnixConnection(http.client.HTTPConnection):
    """One connection to the socket at `path`; `timeout` is in seconds, None waits for ever."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect; called by the first request."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # the timeout comes afterwards: with one, connecting to a busy listener fails at once
        self.sock.connect(os.fspath(self._path))
        self.sock.settimeout(self.timeout)


def listening(path: Path) -> bool:
    """Whether anybody accepts connections on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def unreachable(path: Path) -> Iterator[None]:
    """Turn what sockets and http.client raise into DaemonUnreachable."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise explained(error, path) from error


def explained(error: Exception, path: Path) -> DaemonUnreachable:
    """Return why nothing came over the socket at `path`, judging by what was raised."""
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return DaemonUnreachable("The daemon is not running.", hint="Start it with `llmd start`.")
    if isinstance(error, PermissionError):
        return DaemonUnreachable(
            f"The socket {path} belongs to another user.",
            hint="Set LLMD_SOCKET to one of your own.",
        )
    if isinstance(error, TimeoutError):
        return DaemonUnreachable(
            "The daemon does not answer in time.",
            hint="`llmd logs` may say why; `llmd restart` starts it anew.",
        )
    return DaemonUnreachable(
        "The daemon closed the connection before the answer was complete.",
        hint="Try again; `llmd logs` may say why.",
    )
