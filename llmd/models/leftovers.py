"""Downloads that nobody went on with: listed by `llmd doctor`, dropped after a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmd.models.adoption.places import known_places
from llmd.models.integrity import litter
from llmd.models.integrity.litter import Found
from llmd.protocol.adoption import Tool
from llmd.protocol.integrity import Litter

_SHARED = frozenset({Tool.HUGGING_FACE, Tool.MODELSCOPE})


@dataclass(frozen=True, slots=True)
class Leftover:
    """The files of one download that is not complete: its bytes, its journal."""

    path: Path
    size: int
    """Bytes on the disk."""
    touched: float
    """When bytes came last, seconds since the epoch."""


def places(
    directory: Path, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> list[Path]:
    """Return where downloads lie: llmd's folder of models, and caches shared with other tools."""
    known = known_places(os.environ if environ is None else environ, home or Path.home())
    shared = [Path(place.directory) for place in known if place.tool in _SHARED]
    return [directory, *shared]


def waiting(folders: list[Path]) -> list[Leftover]:
    """Return the downloads that are not complete, the one with most bytes first."""
    found = [
        Leftover(path, status.st_blocks * 512, status.st_mtime)
        for folder in folders
        for path, status in litter.unfinished(folder)
        if path.name.endswith(litter.UNFINISHED[0])
    ]
    return sorted(found, key=lambda leftover: leftover.size, reverse=True)


def drop_abandoned(folders: list[Path], now: float, keep: float) -> int:
    """Delete what was not gone on with for `keep` seconds (below 0: nothing), unless a process is
    at it; return the bytes freed.
    """
    if keep < 0:
        return 0
    return sum(piece.size for piece in litter.delete(_abandoned(folders, now - keep)))


def _abandoned(folders: list[Path], before: float) -> Iterator[Found]:
    for folder in folders:
        for path, status in list(litter.unfinished(folder)):
            if status.st_mtime < before:
                yield Found(path, status, Litter.PARTIAL)
