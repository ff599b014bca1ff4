"""The models on disk: list, show, import, copy, remove. Disk work runs in threads, never on the
event loop.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest, LlmdError, ModelBusy
from llmd.models.gguf.inspection import has_head
from llmd.models.manifest import pooled
from llmd.models.names import expanded
from llmd.models.store import ModelStore, Removed
from llmd.protocol.models import Kind, LoadedModel, ModelManifest
from llmd.protocol.questions import Pooling
from llmd.runtime.pool import Pool
from llmd.services.defaults import UNNAMED, Defaults


class Library:
    """What `llmd ls show rm cp import` need."""

    def __init__(self, store: ModelStore, defaults: Defaults, pool: Pool) -> None:
        self._store = store
        self._defaults = defaults
        self._pool = pool

    async def models(self) -> list[ModelManifest]:
        """Return all registered models."""
        return await asyncio.to_thread(self._store.list)

    async def get(self, name: str) -> ModelManifest:
        """Return one, even if its file is gone; raise ModelNotFound."""
        return await asyncio.to_thread(self._store.find, name)

    def default_chat(self) -> str:
        """Return the name of the model that answers when none is named."""
        try:
            return self._defaults.resolve(None, Kind.CHAT).name
        except LlmdError:
            return ""

    def meant(self, name: str) -> str:
        """Return the name of the model that a name stands for, which may be `default`."""
        return (self.default_chat() or name) if name in UNNAMED else name

    def loaded(self, name: str) -> LoadedModel | None:
        """Return how a model stands in memory."""
        return next((model for model in self._pool.loaded() if model.name == name), None)

    async def add(
        self,
        path: str,
        name: str | None,
        projector: str | None = None,
        pooling: Pooling = Pooling.MODEL,
    ) -> ModelManifest:
        """Register a file where it lies, with a projector as in `ModelStore.register`; raise
        CorruptFile, UnsupportedArchitecture, NameTaken, NotFound or InvalidRequest.
        """
        await asyncio.to_thread(check_pooling, path, pooling)
        model = await asyncio.to_thread(self._store.register, Path(path), name, projector=projector)
        if pooling is Pooling.MODEL:
            return model
        return await asyncio.to_thread(
            self._store.change, model.name, lambda found: pooled(found, pooling)
        )

    async def copy(self, source: str, target: str) -> ModelManifest:
        """Give a model a second name."""
        return await asyncio.to_thread(self._store.copy, source, target)

    async def remove(self, name: str) -> Removed:
        """Forget a model, delete its file if llmd fetched it; where it was chosen to answer, the
        newest does again. Raise ModelBusy while it answers.
        """
        manifest = await self.get(name)
        loaded = self.loaded(manifest.name)
        if loaded and loaded.running:
            raise ModelBusy(
                f"{manifest.name} is answering {loaded.running} requests.",
                hint="Wait for them to finish.",
            )
        await self._pool.unload(manifest.name)
        chosen = await asyncio.to_thread(self._defaults.purposes_of, manifest.name)
        removed = await asyncio.to_thread(self._store.remove, manifest.name)
        await self._defaults.release(chosen)
        return msgspec.structs.replace(removed, default_for=[str(one) for one in chosen])


def check_pooling(path: str, pooling: Pooling) -> None:
    """Raise InvalidRequest when a file cannot make vectors, or ranks, in this way."""
    if pooling is Pooling.RANK and not has_head(expanded(Path(path))):
        raise InvalidRequest(
            f"{path} cannot rank: it has no classification head.",
            hint="Register it as an embedding model, or take a reranker.",
            param="pooling",
        )
