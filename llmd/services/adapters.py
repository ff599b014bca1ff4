"""LoRA adapters of models: add and remove. A loaded model is unloaded, for it reads its adapters
when it loads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from llmd.errors import ModelBusy
from llmd.models import adapters
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest
from llmd.runtime.pool import Pool


class Adapters:
    """What `llmd adapters` needs."""

    def __init__(self, store: ModelStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def add(
        self, model: str, path: str, name: str | None, scale: float, *, default: bool
    ) -> ModelManifest:
        """Give a model an adapter; raise what `models.adapters.describe` raises, ModelNotFound, or
        ModelBusy while it answers.
        """

        def edit(manifest: ModelManifest) -> ModelManifest:
            found = adapters.describe(Path(path), manifest, name, scale, default=default)
            return adapters.with_adapter(manifest, found)

        return await self._change(model, edit)

    async def remove(self, model: str, name: str) -> ModelManifest:
        """Take an adapter from a model, its file stays; raise NotFound, ModelNotFound or
        ModelBusy.
        """
        return await self._change(model, lambda manifest: adapters.without_adapter(manifest, name))

    async def _change(
        self, model: str, edit: Callable[[ModelManifest], ModelManifest]
    ) -> ModelManifest:
        name = (await asyncio.to_thread(self._store.find, model)).name
        running = [loaded.running for loaded in self._pool.loaded() if loaded.name == name]
        if any(running):
            raise ModelBusy(
                f"{name} is answering {running[0]} requests.", hint="Wait for them to finish."
            )
        changed = await asyncio.to_thread(self._store.change, name, edit)
        await self._pool.unload(name)
        return changed
