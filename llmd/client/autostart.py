"""Starts the daemon for a command that needs it, and waits until it answers.

Commands that start at the same moment take turns under a lock of their own, so one of them starts
the daemon and the others find it. The daemon is a session of its own: it outlives the command, its
terminal and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from llmd.client.client import Client
from llmd.client.connection import listening
from llmd.config.paths import Paths
from llmd.errors import DaemonUnreachable, LlmdError

_POLL = 0.02
_ANSWER_TIME = 2.0
_LAST_LINES = 5
_PATH_VARIABLES = ("LLMD_HOME", "LLMD_SOCKET", "HF_HOME", "HF_HUB_CACHE", "PYTHONPATH")


def forbidden(environ: Mapping[str, str]) -> bool:
    """Whether the environment says that commands must not start the daemon."""
    return environ.get("LLMD_NO_AUTOSTART", "").lower() not in {"", "0", "false", "no"}


def startup_log(paths: Paths) -> Path:
    """Return the file that takes what a starting daemon writes before its own log is open."""
    return paths.log_file.with_name("startup.log")


def ensure(paths: Paths, arguments: Sequence[str] = (), *, patience: float = 20.0) -> bool:
    """Return when a daemon answers, True if this call started it; `arguments` are those of `llmd
    serve`.

    Raises DaemonUnreachable with the daemon's last words when it does not come up.
    """
    if listening(paths.socket):
        return False
    deadline = time.monotonic() + patience
    with _turn(paths.state_dir / "autostart.lock", deadline):
        if listening(paths.socket):
            return False
        _await(paths, _launch(paths, arguments), deadline)
    return True


@contextlib.contextmanager
def _turn(path: Path, deadline: float) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DaemonUnreachable(
                        "Another command has been starting the daemon for too long.",
                        hint="Try again.",
                    ) from None
                time.sleep(_POLL)
        yield


def _launch(paths: Paths, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    log = startup_log(paths)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        return subprocess.Popen(
            # -P: modules come from the installation, never from the current directory
            [sys.executable, "-P", "-m", "llmd", "serve", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",  # a daemon must not keep a directory or a mounted disk busy
            env=_absolute(os.environ),
            start_new_session=True,
        )


def _absolute(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with relative paths made absolute, since the daemon runs elsewhere."""
    changed = dict(environ)
    for name in _PATH_VARIABLES:
        if value := environ.get(name):
            parts = (
                str(Path(part).expanduser().absolute()) for part in value.split(os.pathsep) if part
            )
            changed[name] = os.pathsep.join(parts)
    return changed


def _await(paths: Paths, child: subprocess.Popen[bytes], deadline: float) -> None:
    while not _ready(paths.socket):
        if child.poll() is not None and not _held_by_other(paths.lock_file, child.pid):
            # `returncode` is known now; nobody else may be blamed for what it said
            raise DaemonUnreachable(
                f"The daemon could not start. {_last_words(paths)}", hint="`llmd doctor` may help."
            )
        if time.monotonic() > deadline:
            raise DaemonUnreachable(
                "The daemon did not get ready in time.",
                hint=f"See {startup_log(paths)} and `llmd logs`.",
            )
        time.sleep(_POLL)
    # the daemon stays: without this the interpreter would warn about a child that still runs
    child.returncode = 0 if child.returncode is None else child.returncode


def _ready(socket: Path) -> bool:
    """Whether the daemon has all its listeners open; the socket is the first of them."""
    try:
        return bool(Client(socket, _ANSWER_TIME).get("/control/status").get("address"))
    except LlmdError:
        return False


def _held_by_other(lock_file: Path, pid: int) -> bool:
    """Whether another live process holds the daemon's lock, as when `llmd serve` was typed at the
    same moment.
    """
    try:
        holder = int(lock_file.read_text(encoding="ascii").split()[0])
        os.kill(holder, 0)
    except (OSError, ValueError, IndexError):
        return False
    return holder != pid


def _last_words(paths: Paths) -> str:
    lines = startup_log(paths).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " ".join(lines[-_LAST_LINES:]).removeprefix("Error: ")
