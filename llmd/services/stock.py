"""The registered models as pages show them: with their abilities and licences, and whether their
files are still there. Looked at in threads, beside the snapshots, which never wait for a disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
import structlog

from llmd.models import files
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest
from llmd.services.defaults import DefaultModel, Defaults
from llmd.services.portraits import Portrait, Portraits

_FRESH = 2.0
"""Seconds for which what was seen counts."""


class Shelved(msgspec.Struct, frozen=True, kw_only=True):
    """One registered model."""

    manifest: ModelManifest
    portrait: Portrait
    missing: bool = False
    """Whether files of it are gone."""


class Broken(msgspec.Struct, frozen=True):
    """A record of a model that cannot be read."""

    path: str
    reason: str


class Shelf(msgspec.Struct, frozen=True):
    """What was seen."""

    models: Sequence[Shelved] = ()
    broken: Sequence[Broken] = ()
    defaults: Sequence[DefaultModel] = ()


class Stock:
    """Looks at the disk for those who watch."""

    def __init__(self, store: ModelStore, defaults: Defaults, portraits: Portraits) -> None:
        self._store = store
        self._defaults = defaults
        self._portraits = portraits
        self._seen = Shelf()
        self._at = -_FRESH
        self._looking: asyncio.Task[Shelf] | None = None

    def seen(self) -> Shelf:
        """Return what was seen last, and have it looked at again when that was a while ago."""
        idle = self._looking is None or self._looking.done()
        if idle and time.monotonic() - self._at >= _FRESH:
            self._looking = asyncio.ensure_future(self.look())
            self._looking.add_done_callback(_heard)
        return self._seen

    async def look(self) -> Shelf:
        """Return what there is now."""
        models, broken, defaults = await asyncio.to_thread(self._list)
        portraits = await self._portraits.of(models)
        gone = await asyncio.to_thread(_gone, models)
        self._at = time.monotonic()
        self._seen = Shelf(
            [
                Shelved(manifest=model, portrait=portrait, missing=model.name in gone)
                for model, portrait in zip(models, portraits, strict=True)
            ],
            broken,
            defaults,
        )
        return self._seen

    async def close(self) -> None:
        """Look no more."""
        looking, self._looking = self._looking, None
        if looking:
            looking.cancel()
            await asyncio.wait([looking])

    def _list(self) -> tuple[list[ModelManifest], list[Broken], list[DefaultModel]]:
        damaged = [Broken(str(one.path), one.reason) for one in self._store.damaged()]
        return self._store.list(), damaged, self._defaults.list()


def _gone(models: Sequence[ModelManifest]) -> set[str]:
    return {model.name for model in models if files.missing(model.files)}


def _heard(looking: asyncio.Task[Shelf]) -> None:
    if not looking.cancelled() and (error := looking.exception()):
        structlog.get_logger("models").warning("models cannot be listed", reason=str(error))
