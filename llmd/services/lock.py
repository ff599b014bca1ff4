"""The lock that makes a second daemon refuse to start; the kernel drops it with the process,
however that ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from llmd.errors import AlreadyRunning


class DaemonLock:
    """An flock on a file that names its holder; a context manager. Raises AlreadyRunning with the
    holder's pid.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 100).decode("ascii", "replace").split()
            os.close(self._descriptor)
            pid = holder[0] if holder else "unknown"
            raise AlreadyRunning(
                f"A daemon is running already, process {pid}.",
                hint="`llmd status` shows it, `llmd stop` ends it.",
                pid=pid,
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()} {time.time():.0f}\n".encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
