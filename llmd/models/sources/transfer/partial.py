"""One file that is not complete yet: a sparse file and its journal, for one process at a time.

Own code, since huggingface_hub 2 gives every attempt a new temporary file and so begins again each
time. The file is locked while a process works on it: two that write would ruin it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from llmd.models.sources.transfer import journal
from llmd.models.sources.transfer.faults import disk_fault
from llmd.models.sources.transfer.journal import Identity, Journal, Known
from llmd.models.sources.transfer.writeback import Writeback

SUFFIX = ".llmd.incomplete"
# for larger writes the system looks for larger pieces of free memory, which takes many times as
# long as the writing where memory is full of other files (ext4 with large folios; measured)
_SLICE = 32 * 1024
# network file systems that know none: there, one process at a time is up to the user
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class Busy(Exception):
    """Another process works on the file."""


class Partial:
    """The incomplete form of `target`; a context that holds the lock. Its methods may be called
    from several threads.
    """

    def __init__(self, target: Path, identity: Identity) -> None:
        self.target = target
        self.identity = identity
        self.path = target.with_name(target.name + SUFFIX)
        self.replaced = False
        """Whether bytes of another version were there, and had to go."""
        self._descriptor = -1
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Open and lock; raise Busy, NoRoom or DownloadFailed."""
        try:
            self._open()
        except OSError as error:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            raise disk_fault(error, str(self.path)) from error
        return self

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _lock(descriptor) or not _still_named(descriptor, self.path):
            # not so named any more: the process that held it finished and renamed it meanwhile
            os.close(descriptor)
            raise Busy(str(self.path))
        self._descriptor = descriptor
        beside = self.target.with_name(self.target.name + journal.SUFFIX)
        self._known = self._believed(journal.read(beside))
        self._journal = Journal(beside, self._known)
        self._writeback = Writeback(descriptor)

    def _believed(self, known: Known | None) -> Known:
        present = os.fstat(self._descriptor).st_size
        if known is None or not known.identity.same(self.identity):
            self.replaced = known is not None and known.spans.total > 0
            os.ftruncate(self._descriptor, 0)
            return Known(self.identity)
        if known.rebooted:
            known.trust_marks_alone()
        known.spans.remove(present, max(present, known.identity.size))
        known.identity = self.identity
        return known

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, which unlocks; the bytes stay."""
        self._writeback.close()
        self._journal.close()
        os.close(self._descriptor)

    @property
    def done(self) -> int:
        """Bytes that are there."""
        return self._known.spans.total

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return 0 < self.identity.size == self.done

    def gaps(self) -> list[tuple[int, int]]:
        """Return what is missing."""
        with self._lock:
            return self._known.spans.gaps(self.identity.size)

    def reach(self) -> int:
        """Return the first byte that is missing."""
        with self._lock:
            return self._known.spans.reach(0)

    def marks(self) -> dict[int, str]:
        """Return the digests of earlier attempts, by position."""
        with self._lock:
            return dict(self._known.marks)

    def write(self, position: int, data: memoryview) -> None:
        """Store bytes; raise NoRoom or DownloadFailed when the disk does not take them."""
        end = position + len(data)
        try:
            at = position
            while data:
                written = os.pwrite(self._descriptor, data[:_SLICE], at)
                data, at = data[written:], at + written
            with self._lock:
                self._journal.came(position, end)
                self._known.spans.add(position, end)
        except OSError as error:
            raise disk_fault(error, str(self.path)) from error

    def read(self, position: int, into: memoryview) -> int:
        """Read bytes that are there; return how many."""
        return os.preadv(self._descriptor, [into], position)

    def mark(self, end: int, digest: str) -> None:
        """Keep the digest of everything up to a position."""
        with self._lock:
            self._journal.mark(end, digest)
            self._known.marks[end] = digest

    def lose(self, start: int, end: int) -> None:
        """Note that these bytes are damaged and must come again."""
        with self._lock:
            self._journal.lost(start, end)
            self._known.spans.remove(start, end)

    def restart(self, identity: Identity | None = None) -> None:
        """Forget what is there, perhaps for another version."""
        with self._lock:
            self.identity = identity or self.identity
            os.ftruncate(self._descriptor, 0)
            self._known = Known(self.identity)
            self._journal.rewrite(self._known)

    def settle(self, size: int) -> None:
        """Learn the size of a file whose server did not say it."""
        with self._lock:
            self.identity = Identity(size, self.identity.sha256, self.identity.etag)

    def finish(self) -> None:
        """Give the complete file its name, durably."""
        try:
            os.fsync(self._descriptor)
            self._writeback.check()
            Path(self.path).replace(self.target)
            self._journal.remove()
            _sync(self.target.parent)
        except OSError as error:
            raise disk_fault(error, str(self.target)) from error

    def discard(self) -> None:
        """Delete what is there: it is of no use."""
        self._journal.remove()
        self.path.unlink(missing_ok=True)


def waiting_size(target: Path) -> int:
    """Return how many bytes of a file are there, whichever process works on it."""
    try:
        return target.stat().st_size
    except OSError:
        known = journal.read(target.with_name(target.name + journal.SUFFIX))
        return known.spans.total if known else 0


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _still_named(descriptor: int, path: Path) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
