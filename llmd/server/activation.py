"""Sockets that a service manager opened before the daemon was there (see sd_listen_fds(3)).

What a socket is for is told by its family, not by its name: all sockets of one systemd unit share
one. Workers must not inherit them, so they are taken from the environment once and closed on exec.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import MutableMapping
from typing import NamedTuple

from llmd.config.networks import is_loopback
from llmd.errors import ConfigInvalid

_FIRST = 3
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Inherited(NamedTuple):
    """Listening sockets, bound already; whoever made them removes them."""

    unix: tuple[socket.socket, ...] = ()
    tcp: tuple[socket.socket, ...] = ()

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of the TCP socket that most can reach; None: there is no TCP socket."""
        named = sorted((address_of(one) for one in self.tcp), key=lambda at: is_loopback(at[0]))
        return named[0] if named else None

    @property
    def path(self) -> str:
        """Where the first Unix socket lies; empty: there is none."""
        return str(self.unix[0].getsockname()) if self.unix else ""


def address_of(listening: socket.socket) -> tuple[str, int]:
    """Return host and port that a TCP socket is bound to."""
    host, port = listening.getsockname()[:2]
    return str(host), int(port)


def inherited(environ: MutableMapping[str, str] | None = None, first: int = _FIRST) -> Inherited:
    """Take over the sockets meant for this process, from the descriptor `first` on.

    Raises ConfigInvalid when a descriptor is none that connections can be accepted on.
    """
    env = os.environ if environ is None else environ
    pid, number, _ = (env.pop(name, "") for name in _VARIABLES)
    if pid != str(os.getpid()) or not number.isdecimal():
        return Inherited()
    taken = [_taken(descriptor) for descriptor in range(first, first + int(number))]
    return Inherited(
        unix=tuple(one for one in taken if one.family == socket.AF_UNIX),
        tcp=tuple(one for one in taken if one.family != socket.AF_UNIX),
    )


def _taken(descriptor: int) -> socket.socket:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise _useless(descriptor)
        listening = socket.socket(fileno=descriptor)
    except OSError as error:
        raise _useless(descriptor) from error
    families = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}
    if listening.family not in families or not _accepts(listening):
        listening.detach()  # it is not ours to close
        raise _useless(descriptor)
    listening.set_inheritable(False)
    return listening


def _accepts(listening: socket.socket) -> bool:
    if listening.type != socket.SOCK_STREAM:
        return False
    return bool(listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _useless(descriptor: int) -> ConfigInvalid:
    return ConfigInvalid(
        f"The service manager handed over descriptor {descriptor}, which is no listening socket.",
        hint="Its units need `ListenStream=` and `Accept=no`; `llmd service install` writes such.",
    )
