"""What can be deleted without anybody missing it, and its deletion. Only llmd's own folder is
looked at, and of other tools' caches only the files that bear llmd's own ending.

What was written lately stays: whoever wrote it may be about to register it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmd.models.integrity.digests import expected
from llmd.models.integrity.usage import Inode, allocated, files_of, inode, walk
from llmd.protocol.integrity import Litter, Piece
from llmd.protocol.models import ModelManifest

GRACE = 3600.0
"""Seconds for which whatever was written stays."""
RECORDS = "pieces"
"""Folder with what is known of finished downloads, see `sources.transfer.pieces`."""
UNFINISHED = (".llmd.incomplete", ".llmd.journal", ".llmd.journal.new")
TEMPORARIES = (".writing-", ".keeping-", ".quantizing-")


@dataclass(frozen=True, slots=True)
class Found:
    """A file that can go."""

    path: Path
    status: os.stat_result
    why: Litter

    @property
    def piece(self) -> Piece:
        """The same for a report."""
        freed = allocated(self.status) if self.status.st_nlink == 1 else 0
        return Piece(path=str(self.path), size=freed, why=self.why)


def find(
    directory: Path,
    caches: Iterable[Path],
    models: Iterable[ModelManifest],
    now: float,
    keep_partials: float,
) -> list[Found]:
    """Return what can go from llmd's folder of models and from caches shared with other tools.

    `keep_partials`: seconds for which downloads that nobody goes on with stay; below 0: for ever.
    """
    needed = _Needed(models)
    found = [
        Found(path, status, why)
        for path, status in walk(directory)
        if (why := _judged(directory, path, status, needed)) is not None
    ]
    for cache in caches:
        found += [Found(path, status, Litter.PARTIAL) for path, status in unfinished(cache)]
    old = [one for one in found if _old(one, now, keep_partials)]
    # parts of a model come one after the other, and are registered with the last one
    growing = {one.path.parent for one in found if one.why is not Litter.ORPHAN and one not in old}
    return [one for one in old if one.why is Litter.PARTIAL or one.path.parent not in growing]


def unfinished(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files of downloads that are not complete."""
    return ((path, status) for path, status in walk(folder) if path.name.endswith(UNFINISHED))


def delete(found: Iterable[Found]) -> list[Piece]:
    """Delete files, and folders that are empty then; return what is gone. What another process
    works on stays.
    """
    gone: list[Piece] = []
    for one in found:
        if one.why is Litter.PARTIAL and _in_use(one.path):
            continue
        try:
            one.path.unlink()
        except OSError:
            continue
        gone.append(one.piece)
        if one.why is not Litter.PARTIAL:
            with contextlib.suppress(OSError):  # not empty yet
                one.path.parent.rmdir()
    return gone


class _Needed:
    """The files that models have, by name and by what they are."""

    def __init__(self, models: Iterable[ModelManifest]) -> None:
        self._paths: set[str] = set()
        self._inodes: set[Inode] = set()
        self.digests: set[str] = set()
        for model in models:
            for path in files_of(model):
                self._paths |= {path, os.path.realpath(path)}
                self.digests.add(expected(model, path))
                with contextlib.suppress(OSError):
                    self._inodes.add(inode(Path(path).stat()))

    def __contains__(self, file: tuple[Path, os.stat_result]) -> bool:
        path, status = file
        return str(path) in self._paths or inode(status) in self._inodes


def _judged(directory: Path, path: Path, status: os.stat_result, needed: _Needed) -> Litter | None:
    """Return why a file can go, its age aside; None: it stays."""
    if path.name.endswith(UNFINISHED):
        return Litter.PARTIAL
    inside = path.relative_to(directory).parts
    if inside[0] == RECORDS:
        # what is known of a file's pieces; a download that ended may not be registered yet
        return None if path.stem in needed.digests else Litter.PARTIAL
    if any(part.startswith(TEMPORARIES) for part in inside):
        return Litter.TEMPORARY
    # beside the records themselves nothing is llmd's but what lies in a folder it made
    plain = len(inside) > 1 and not path.name.startswith(".")
    if not plain or not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return None
    return None if (path, status) in needed else Litter.ORPHAN


def _old(found: Found, now: float, keep_partials: float) -> bool:
    if found.why is Litter.PARTIAL:
        return 0 <= keep_partials < now - found.status.st_mtime
    # links and copies keep the time of their content
    return now - max(found.status.st_mtime, found.status.st_ctime) > GRACE


def _in_use(path: Path) -> bool:
    """Whether a process fetches a file; its journal goes by the file's own lock."""
    for file in _with_the_file(path):
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            continue
        finally:
            os.close(descriptor)
    return False


def _with_the_file(path: Path) -> Iterator[Path]:
    for ending in UNFINISHED:
        if path.name.endswith(ending):
            yield path.with_name(path.name.removesuffix(ending) + UNFINISHED[0])
            return
