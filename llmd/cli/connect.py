"""Finds the daemon, or starts it."""

import os

from llmd.client import autostart
from llmd.client.client import Client
from llmd.config.paths import find_paths


def client(*, start: bool, timeout: float | None = None) -> Client:
    """Return a client; with `start` the daemon is started first if none listens (LLMD_NO_AUTOSTART
    forbids it).
    """
    paths = find_paths()
    if start and not autostart.forbidden(os.environ):
        autostart.ensure(paths)
    return Client(paths.socket, timeout)
