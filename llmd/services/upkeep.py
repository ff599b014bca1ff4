"""Keeps llmd's part of the disk in order: how much it takes, and what of it nobody needs."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from llmd.config.paths import Paths
from llmd.models.adoption.places import known_places
from llmd.models.integrity import litter
from llmd.models.integrity.litter import UNFINISHED, Found
from llmd.models.integrity.usage import Usage, total, walk
from llmd.models.store import ModelStore
from llmd.protocol.adoption import Tool
from llmd.protocol.integrity import Cleared, DiskRoom, DiskUse, Litter

_SHARED = frozenset({Tool.HUGGING_FACE, Tool.MODELSCOPE})
KEEP_PARTIALS = 14 * 86400.0
"""Seconds for which a download that nobody goes on with is kept."""


class Upkeep:
    """What `llmd du` and `llmd gc` need."""

    def __init__(
        self,
        store: ModelStore,
        paths: Paths,
        caches: Sequence[Path] | None = None,
        keep_partials: float = KEEP_PARTIALS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`caches`: folders shared with other tools that downloads go to; None: the usual ones."""
        self._store = store
        self._paths = paths
        self._caches = caches
        self._keep_partials = keep_partials
        self._clock = clock

    async def usage(self) -> DiskUse:
        """Measure what llmd takes of the disk."""
        return await asyncio.to_thread(self._usage)

    async def room(self) -> DiskRoom:
        """Return how much of the disk is left; that is quick."""
        return await asyncio.to_thread(self._room)

    async def clear(self, *, dry: bool) -> Cleared:
        """Delete what nobody needs, or (`dry`) tell what that would be."""
        return await asyncio.to_thread(self._clear, dry=dry)

    def _usage(self) -> DiskUse:
        usage = Usage(self._store.list())
        directory = self._store.directory
        beside = [(path, status) for path, status in walk(directory) if status not in usage]
        records = [one for one in beside if not one[0].name.endswith(UNFINISHED)]
        partial = [one for one in beside if one[0].name.endswith(UNFINISHED)]
        for cache in self._places():
            partial += litter.unfinished(cache)
        return DiskUse(
            models=usage.rows(),
            owned=usage.owned(),
            foreign=usage.foreign(),
            prefixes=total(walk(self._paths.prefixes_dir)),
            partial=total(partial),
            logs=total(walk(self._paths.log_file.parent)),
            records=total(records),
            garbage=sum(one.piece.size for one in self._litter()[0]),
            free=shutil.disk_usage(_existing(directory)).free,
        )

    def _room(self) -> DiskRoom:
        disk = shutil.disk_usage(_existing(self._store.directory))
        return DiskRoom(free=disk.free, total=disk.total)

    def _clear(self, *, dry: bool) -> Cleared:
        # nobody may register a file between the look and the deletion
        with self._store.changing():
            found, held = self._litter()
            pieces = [one.piece for one in found] if dry else litter.delete(found)
        freed = sum(piece.size for piece in pieces)
        return Cleared(pieces=pieces, freed=freed, dry=dry, held=held)

    def _litter(self) -> tuple[list[Found], list[str]]:
        found = litter.find(
            self._store.directory,
            self._places(),
            self._store.list(),
            self._clock(),
            self._keep_partials,
        )
        damaged = self._store.damaged()
        if not damaged:
            return found, []
        # what an unreadable record names cannot be told, so nothing is an orphan for certain
        safe = [one for one in found if one.why is not Litter.ORPHAN]
        held = [
            f"{len(found) - len(safe)} files stay because a record is damaged: {record.path} "
            f"({record.reason})."
            for record in damaged
        ]
        return safe, held

    def _places(self) -> list[Path]:
        if self._caches is not None:
            return list(self._caches)
        places = known_places(os.environ, Path.home())
        return [Path(place.directory) for place in places if place.tool in _SHARED]


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
