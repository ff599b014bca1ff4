"""One file that is not complete yet: it grows, survives a kill, is continued by the next attempt
and checked at the end.

Own code, since huggingface_hub 2 gives every attempt a new temporary file and so begins again each
time. The file is locked while a process works on it: two that append would ruin it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from llmd.errors import DownloadFailed

SUFFIX = ".llmd.incomplete"
_BLOCK = 4 * 2**20


class Busy(Exception):
    """Another process works on the file."""


class Partial:
    """The incomplete form of `target`, of `expected` bytes; a context that holds the lock."""

    def __init__(self, target: Path, expected: int) -> None:
        self.target = target
        self.expected = expected
        self.path = target.with_name(target.name + SUFFIX)
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Open and lock; raise Busy."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _lock(descriptor) or not _still_named(descriptor, self.path):
            # not so named any more: the process that held it finished and renamed it meanwhile
            os.close(descriptor)
            raise Busy(str(self.path))
        self._descriptor = descriptor
        if self.size > self.expected:
            self.restart()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, which unlocks; the bytes stay."""
        os.close(self._descriptor)

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return os.fstat(self._descriptor).st_size

    def restart(self) -> None:
        """Forget what is there."""
        os.ftruncate(self._descriptor, 0)

    def append(self, data: bytes) -> None:
        """Add bytes at the end; raise DownloadFailed when they are more than announced."""
        size = self.size
        if size + len(data) > self.expected:
            raise DownloadFailed(
                f"The source sent more than the {self.expected} bytes it announced."
            )
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, size)
            size += written
            view = view[written:]

    def finish(self, sha256: str, progress: Callable[[int], None]) -> None:
        """Check size and digest (if known) and give the file its name; raise DownloadFailed,
        keeping nothing wrong.
        """
        if self.size != self.expected:
            raise DownloadFailed(
                f"{self.size} of {self.expected} bytes of {self.target.name} came."
            )
        if sha256 and self._digest(progress) != sha256:
            self.restart()
            raise DownloadFailed(
                "The downloaded bytes are not what the source says they should be.",
                hint="They are gone; pull again.",
            )
        os.fsync(self._descriptor)
        Path(self.path).replace(self.target)

    def _digest(self, progress: Callable[[int], None]) -> str:
        digest = hashlib.sha256()
        position = 0
        while block := os.pread(self._descriptor, _BLOCK, position):
            digest.update(block)
            position += len(block)
            progress(position)
        return digest.hexdigest()


def waiting_size(target: Path) -> int:
    """Return how far another process has come."""
    for path in (target, target.with_name(target.name + SUFFIX)):
        try:
            return path.stat().st_size
        except OSError:
            continue
    return 0


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_named(descriptor: int, path: Path) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
