"""What `llmd doctor --fix` mends by itself: what is llmd's own and holds nothing of worth.

Each step looks again before it acts, and says what it did; what it leaves alone, the checks that
follow name with the way to mend it by hand.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from llmd.client.client import Client
from llmd.client.connection import listening
from llmd.client.sleep import asleep, runs
from llmd.config.paths import Paths
from llmd.errors import LlmdError

_PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600
_OTHERS = 0o077
_SETTLED = 60.0
_CLEARING_TIME = 120.0
# as tempfile names what a killed `llmd config set` leaves
_LEFT_CONFIG = re.compile(r"config\.toml[a-z0-9_]{8}")


def mend(paths: Paths) -> Iterator[str]:
    """Mend what can be mended; yield what was done, a sentence each."""
    yield from mend_directories(paths)
    yield from mend_socket(paths)
    yield from mend_settings_directory(paths)
    yield from mend_leftovers(paths)


def mend_directories(paths: Paths) -> Iterator[str]:
    """Give this user back the right to write in llmd's directories."""
    for path in (paths.data_dir, paths.state_dir, paths.config_dir):
        if not path.is_dir() or os.access(path, os.W_OK | os.X_OK) or not _ours(path):
            continue
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IRWXU)
        yield f"{path} can be written again."


def mend_socket(paths: Paths) -> Iterator[str]:
    """Remove a socket that nobody listens on, and close one that is open to other users."""
    socket = paths.socket
    if not socket.is_socket() or not _ours(socket) or asleep(paths):
        return
    # a daemon that hangs, or has only just begun, holds the lock
    if not listening(socket) and not runs(paths):
        socket.unlink(missing_ok=True)
        yield f"{socket} was left over from a daemon that died and is removed."
        return
    if _mode(socket) & _OTHERS:
        socket.chmod(_PRIVATE_FILE)
        yield f"{socket} is closed to other users."
    folder = socket.parent
    if _mode(folder) & _OTHERS and paths.socket_dir_is_ours and _ours(folder):
        folder.chmod(_PRIVATE_DIRECTORY)
        yield f"{folder} is closed to other users."


def mend_settings_directory(paths: Paths) -> Iterator[str]:
    """Remove what killed changes of the settings left behind."""
    if not paths.config_dir.is_dir():
        return
    for file in paths.config_dir.iterdir():
        old = file.stat().st_mtime < time.time() - _SETTLED
        if _LEFT_CONFIG.fullmatch(file.name) and file.is_file() and old:
            file.unlink()
            yield f"{file} was left by a change that was broken off and is removed."


def mend_leftovers(paths: Paths) -> Iterator[str]:
    """Have the daemon, where it runs, clear what downloads and conversions left."""
    if asleep(paths) or not listening(paths.socket):
        return
    try:
        cleared = Client(paths.socket, _CLEARING_TIME).post("/control/gc", {"dry": False})
    except LlmdError as error:
        yield f"Left files are not cleared: {error}"
        return
    for piece in cleared["pieces"]:
        yield f"{piece['path']} is removed: {piece['why']}."


def _ours(path: Path) -> bool:
    return path.stat().st_uid == os.getuid()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
