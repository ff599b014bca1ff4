"""Models in memory: load, unload, list."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from llmd.errors import ModelNotFound
from llmd.protocol.models import Kind, LoadedModel, LoadProgress
from llmd.runtime.pool import Pool
from llmd.services.gate import Gate
from llmd.services.generation import Defaults


class Residents:
    """What `llmd load unload ps` need."""

    def __init__(self, pool: Pool, defaults: Defaults, gate: Gate) -> None:
        self._pool = pool
        self._defaults = defaults
        self._gate = gate

    def models(self) -> list[LoadedModel]:
        """Return every model that is loaded or loading."""
        return self._pool.loaded()

    async def load(self, name: str | None) -> AsyncGenerator[LoadProgress]:
        """Load a model and report how it goes."""
        manifest = self._defaults.resolve(name, Kind.CHAT)
        with self._gate.enter():
            async for progress in self._pool.load(manifest):
                yield progress

    async def unload(self, name: str | None, *, everything: bool, force: bool) -> list[str]:
        """Unload one model or all; raise ModelBusy for one that is answering unless `force`."""
        if everything:
            names = [model.name for model in self._pool.loaded()]
        else:
            names = [self._defaults.resolve(name, Kind.CHAT).name]
        unloaded = [name for name in names if await self._pool.unload(name, force=force)]
        if not unloaded and not everything:
            raise ModelNotFound(f"{names[0]} is not loaded.", hint="`llmd ps` lists what is.")
        return unloaded
