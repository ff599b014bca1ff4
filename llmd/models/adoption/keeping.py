"""Gives files names of llmd's own: hard links, which cost nothing and stay when their owner deletes
the other name, or copies.

A file appears under its name whole or not at all. What a failure leaves is removed again; what a
kill leaves has a name that begins with a dot.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmd.errors import InvalidRequest, LlmdError, NoRoom
from llmd.protocol.adoption import Keep

TEMPORARY = ".keeping-"
_BLOCK = 16 * 2**20
_SPARE_ROOM = 64 * 2**20
# what nobody has registered for an hour is litter to `llmd gc`; a copy of many parts takes longer
_TOUCH_EVERY = 300.0
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# linux/fs.h: lets two files share their blocks until one is changed (Btrfs, XFS, bcachefs)
_FICLONE = 0x40049409
_NO_LINK = {
    errno.EXDEV: "it lies on another file system than llmd's models",
    errno.EPERM: "the file belongs to another user, or its file system has no hard links",
    errno.EACCES: "permission denied",
    errno.EMLINK: "it has too many names already",
    errno.EOPNOTSUPP: "its file system has no hard links",
}


class Keeping:
    """How far a thread that keeps files has come; `stop` ends it."""

    def __init__(self) -> None:
        self.file = ""
        self.done = 0
        """Bytes copied."""
        self.total = 0
        """Bytes to be copied; 0: none are, or it is not known yet."""
        self.placed: list[Path] = []
        """Whole files of a copy that goes on."""
        self._stopped = threading.Event()
        self._touched = time.monotonic()

    def stop(self) -> None:
        """Make it raise, at the next block."""
        self._stopped.set()

    def add(self, count: int) -> None:
        """Count bytes; raise LlmdError when it shall stop."""
        self.done += count
        if time.monotonic() >= self._touched + _TOUCH_EVERY:
            self._touched = time.monotonic()
            for path in self.placed:
                os.utime(path)
        if self._stopped.is_set():
            raise LlmdError("The copy was stopped.", hint="Nothing of it is left.")


def keep(files: Sequence[Path], folder: Path, how: Keep, keeping: Keeping) -> list[Path]:
    """Give files a name in `folder` each, the one they have; return them in the same order.

    Raises InvalidRequest when they cannot be linked, NoRoom, LlmdError when it was stopped; then
    nothing of them is left.
    """
    placed: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if how is Keep.COPY:
            keeping.total = sum(file.stat().st_size for file in files)
            _check_room(folder, keeping.total)
        for file in files:
            keeping.file = file.name
            target = folder / file.name
            fresh = not target.exists()
            _place(file, target, how, keeping)
            placed += [target] if fresh else []
            keeping.placed = placed if how is Keep.COPY else []
    except BaseException as error:
        discard(placed)
        with contextlib.suppress(OSError):
            folder.rmdir()
        if isinstance(error, OSError):
            raise _explained(error, folder) from error
        raise
    _sync(folder)
    return [folder / file.name for file in files]


def discard(placed: Sequence[Path]) -> None:
    """Take names back, and the folder if it is empty then."""
    for path in placed:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in placed}:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _place(file: Path, target: Path, how: Keep, keeping: Keeping) -> None:
    with _temporary(target) as temporary:
        if how is Keep.COPY:
            _copy(file, temporary, keeping)
        else:
            _link(file, temporary)
        temporary.replace(target)


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    path = target.with_name(f"{TEMPORARY}{os.getpid()}-{threading.get_ident()}-{target.name}"[:255])
    try:
        yield path
    finally:
        # renaming one name of a file to another name of it leaves both
        path.unlink(missing_ok=True)


def _link(file: Path, target: Path) -> None:
    real = Path(os.path.realpath(file))
    try:
        os.link(real, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if not _cloned(real, target):
            raise InvalidRequest(
                f"{file} cannot be linked: {_NO_LINK[error.errno]}.",
                hint="Use --copy instead, or neither: then it is used where it lies.",
                param="keep",
            ) from error


def _cloned(file: Path, target: Path) -> bool:
    """Share the blocks of a file; return whether its file system can do that."""
    if sys.platform != "linux":
        return False
    try:
        with file.open("rb") as source, target.open("wb") as copy:
            fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
            os.fsync(copy.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True


def _copy(file: Path, target: Path, keeping: Keeping) -> None:
    if _cloned(file, target):
        keeping.add(file.stat().st_size)
        return
    with file.open("rb", buffering=0) as source, target.open("wb", buffering=0) as copy:
        block = memoryview(bytearray(_BLOCK))
        while count := source.readinto(block):
            view = block[:count]
            while view:
                view = view[copy.write(view) :]
            keeping.add(count)
        os.fsync(copy.fileno())


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_ROOM > free:
        raise NoRoom(
            f"The copy needs {needed / 1e9:.1f} GB on the disk of {folder}, "
            f"{free / 1e9:.1f} GB are free.",
            hint="Use --link, which needs none, or use the file where it lies.",
            needed=needed,
            available=free,
        )


def _explained(error: OSError, folder: Path) -> LlmdError:
    if error.errno in _NO_ROOM:
        return NoRoom(f"The disk of {folder} is full.", hint="Nothing of the copy is left.")
    where = error.filename or folder
    return InvalidRequest(
        f"{where} cannot be read or written: {error.strerror}.",
        hint="Check who may read it: the daemon runs as another user perhaps.",
        param="path",
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
