"""Deletes a model's files, and of the cache shared with other Hugging Face tools exactly what
belongs to them.

That cache keeps content in `blobs/` and names in `snapshots/REVISION/`, as links; one blob may have
names in several revisions.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

_REPOSITORY = "models--"


def delete(paths: Iterable[Path]) -> int:
    """Delete files and what only they kept alive; return the bytes freed. What is gone already is
    passed over.
    """
    return sum(_delete_one(path) for path in paths)


def tidy(folder: Path, root: Path) -> None:
    """Remove a folder below `root`, and those that it lies in, as far as they are empty."""
    with contextlib.suppress(OSError):
        while folder != root and folder.is_relative_to(root):
            folder.rmdir()
            folder = folder.parent


def missing(paths: Iterable[str]) -> list[str]:
    """Return those that are not there."""
    return [path for path in paths if not Path(path).exists()]


def same(left: str, right: str) -> bool:
    """Whether two paths mean one file."""
    return os.path.realpath(left) == os.path.realpath(right)


def _delete_one(path: Path) -> int:
    repository = _cache_repository(path)
    blob = _target(path)
    freed = _unlink(path)
    if repository is None:
        return freed
    if blob is not None and blob.parent == repository / "blobs" and not _named(repository, blob):
        freed += _unlink(blob)
    _tidy(repository, path.parent)
    return freed


def _target(link: Path) -> Path | None:
    try:
        return Path(os.path.normpath(link.parent / link.readlink()))
    except OSError:
        return None


def _unlink(path: Path) -> int:
    try:
        status = path.lstat()
        path.unlink()
    except OSError:
        return 0
    only_name = status.st_nlink == 1 and stat.S_ISREG(status.st_mode)
    return status.st_size if only_name else 0


def _cache_repository(path: Path) -> Path | None:
    for parent in path.parents:
        if parent.name == "snapshots" and parent.parent.name.startswith(_REPOSITORY):
            return parent.parent
    return None


def _named(repository: Path, blob: Path) -> bool:
    return any(
        _target(name) == blob for name in (repository / "snapshots").rglob("*") if name.is_symlink()
    )


def _tidy(repository: Path, folder: Path) -> None:
    """Remove folders that are empty now; a repository without a snapshot goes as a whole."""
    with contextlib.suppress(OSError):
        while folder != repository:
            folder.rmdir()
            folder = folder.parent
    if not (repository / "snapshots").exists() and not any((repository / "blobs").glob("*")):
        shutil.rmtree(repository, ignore_errors=True)
