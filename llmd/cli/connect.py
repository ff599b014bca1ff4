"""Finds the daemon, or starts it."""

import os

from llmd.cli import loudness
from llmd.client import autostart
from llmd.client.client import Client
from llmd.client.sleep import asleep
from llmd.config.paths import find_paths
from llmd.errors import DaemonUnreachable


def client(*, start: bool, timeout: float | None = None) -> Client:
    """Return a client; with `start` the daemon is started first if none listens (LLMD_NO_AUTOSTART
    forbids it).

    Raises DaemonUnreachable when it must not be started and systemd would start it by itself.
    """
    paths = find_paths()
    if start and not autostart.forbidden(os.environ):
        autostart.ensure(paths)
    elif asleep(paths):
        raise DaemonUnreachable(
            "The daemon is not running.", hint="systemd starts it with the first request."
        )
    told = loudness.tell_call if loudness.verbose() else None
    return Client(paths.socket, timeout, told)
