"""How much of the disk models take: every file once, however many models and names it has, and as
much as the disk holds of it (`st_blocks`), since files that are not complete have holes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from llmd.protocol.integrity import ModelUse
from llmd.protocol.models import ModelManifest

Inode = tuple[int, int]

_SECTOR = 512


def files_of(model: ModelManifest) -> list[str]:
    """Return all files that a model needs, each once."""
    paths = [*model.files, model.projector, *(adapter.path for adapter in model.adapters)]
    return list(dict.fromkeys(path for path in paths if path))


def inode(status: os.stat_result) -> Inode:
    """Name a file whatever it is called."""
    return status.st_dev, status.st_ino


def allocated(status: os.stat_result) -> int:
    """Return the bytes that a file takes of the disk."""
    return status.st_blocks * _SECTOR


def walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield all files below a folder; links are not followed, what is unreadable is left out."""
    for directory, _, names in os.walk(folder):
        for name in names:
            path = Path(directory, name)
            try:
                yield path, path.lstat()
            except OSError:
                continue


def total(files: Iterable[tuple[Path, os.stat_result]]) -> int:
    """Return the bytes of files, each counted once."""
    return sum({inode(status): allocated(status) for _, status in files}.values())


class Usage:
    """The files of models."""

    def __init__(self, models: Iterable[ModelManifest]) -> None:
        self._models = list(models)
        self._sizes: dict[Inode, int] = {}
        self._users: dict[Inode, set[str]] = defaultdict(set)
        self._owned: set[Inode] = set()
        self._of: dict[str, set[Inode]] = defaultdict(set)
        for model in self._models:
            for path in files_of(model):
                self._count(model, path)

    def rows(self) -> list[ModelUse]:
        """Return what each model takes, the largest first."""
        rows = [self._row(model) for model in self._models]
        return sorted(rows, key=lambda row: (-row.size, row.name.casefold()))

    def owned(self) -> int:
        """Return the bytes of files that llmd fetched."""
        return sum(self._sizes[file] for file in self._owned)

    def foreign(self) -> int:
        """Return the bytes of files that others own."""
        return sum(self._sizes.values()) - self.owned()

    def __contains__(self, status: os.stat_result) -> bool:
        return inode(status) in self._sizes

    def _count(self, model: ModelManifest, path: str) -> None:
        try:
            status = Path(path).stat()
        except OSError:
            return
        file = inode(status)
        self._sizes[file] = allocated(status)
        self._users[file].add(model.name)
        self._of[model.name].add(file)
        if model.owned and path in model.files:
            self._owned.add(file)

    def _row(self, model: ModelManifest) -> ModelUse:
        mine = self._of[model.name]
        shared = sum(self._sizes[file] for file in mine if len(self._users[file]) > 1)
        return ModelUse(
            name=model.name,
            size=sum(self._sizes[file] for file in mine),
            shared=shared,
            owned=model.owned,
        )
