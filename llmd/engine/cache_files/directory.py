"""The directory of cache files: what is in it, room for more, and files that are there whole or not
at all.

Several workers may use one directory. A file appears under its name only when every byte of it is
on the disk, and is never changed afterwards. While it is written it has a name of its own and an
flock: what lies there without one was left by a process that was killed, and is swept up. When room
is needed the files that have not been used for longest go first, whatever model they are of: those
of models and libraries that are gone are never used, so they are among the first. Size does not
count against a file, for what it saves grows with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from llmd.engine.cache_files.format import Encoded

_ENDING = ".kv"
_UNFINISHED = ".part"
_WRITE = 8 << 20
# nanoseconds; the coarsest file systems count in steps of this
_SETTLED = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there; `used` is the time of its last use, in nanoseconds."""

    name: str
    size: int
    used: int


class Directory:
    """Files by name; every method raises OSError."""

    def __init__(self, path: Path, *, limit: int, spare: int) -> None:
        """Bounds in bytes: of all files together, and to be left free on the disk."""
        self._path = path
        self._limit = limit
        self._spare = spare

    def prepare(self) -> None:
        """Make the directory, for its owner alone, and sweep up what killed processes left."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for stored in self._list(_UNFINISHED):
            if not self._locked(stored.name):
                self.remove(stored.name)

    def stamp(self) -> int:
        """Return a number that changes when files come or go; 0 while that was too short ago for
        a further change to show.
        """
        changed = self._path.stat().st_mtime_ns
        return changed if time.time_ns() - changed > _SETTLED else 0

    def files(self, prefix: str = "") -> list[Stored]:
        """Return the files whose names begin with `prefix`, the last used first."""
        found = [stored for stored in self._list(_ENDING) if stored.name.startswith(prefix)]
        return sorted(found, key=lambda stored: -stored.used)

    def name(self, prefix: str, digest: str) -> str:
        """Return the name of a file."""
        return f"{prefix}-{digest}{_ENDING}"

    def open(self, name: str) -> int:
        """Return a descriptor to read a file with."""
        return os.open(self._path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def touch(self, name: str) -> bool:
        """Note that a file was of use; False when it is gone."""
        now = time.time_ns()  # the kernel's own stamps are too coarse to put files in order
        try:
            os.utime(self._path / name, ns=(now, now))
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self._path / name).unlink(missing_ok=True)

    def make_room(self, size: int) -> bool:
        """Remove the files unused for longest until `size` more bytes are within the bounds; False,
        and nothing removed, where that cannot be.
        """
        files = self.files()
        held = sum(stored.size for stored in files)
        unfinished = sum(stored.size for stored in self._list(_UNFINISHED))
        free = shutil.disk_usage(self._path).free
        excess = max(held + unfinished + size - self._limit, size + self._spare - free)
        if excess > held or size > self._limit:
            return False
        while excess > 0:
            oldest = files.pop()
            self.remove(oldest.name)
            excess -= oldest.size
        return True

    def write(self, name: str, content: Encoded) -> None:
        """Put a file in place, in one step that a crash cannot divide."""
        unfinished = self._path / f"{name}.{secrets.token_hex(4)}{_UNFINISHED}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(unfinished, flags, 0o600)
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for part in (memoryview(content.start), *content.states):
                _write(descriptor, part)
            os.fsync(descriptor)
            unfinished.rename(self._path / name)
            self.touch(name)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        self._sync()

    def _list(self, ending: str) -> list[Stored]:
        found = []
        with os.scandir(self._path) as entries:
            for entry in entries:
                if entry.name.endswith(ending) and entry.is_file(follow_symlinks=False):
                    stored = _stored(entry)
                    found += [stored] if stored else []
        return found

    def _locked(self, name: str) -> bool:
        try:
            descriptor = self.open(name)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # it is locked, or nothing can be on this file system
            return True
        finally:
            os.close(descriptor)
        return False

    def _sync(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stored(entry: os.DirEntry[str]) -> Stored | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # another worker was quicker
        return None
    return Stored(entry.name, found.st_size, found.st_mtime_ns)


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data[:_WRITE]) :]
