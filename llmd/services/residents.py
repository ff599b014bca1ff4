"""Models in memory: load, unload, list, and what requests wish of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from llmd.config.settings import Mismatch
from llmd.errors import InvalidRequest, ModelNotLoaded
from llmd.protocol.models import Kind, LoadedModel, LoadProgress, ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.runtime.pool import Pool
from llmd.services.defaults import Defaults
from llmd.services.gate import Gate


class Residents:
    """What `llmd load unload ps` need; `mismatch` is what happens to requests that do not say."""

    def __init__(
        self, pool: Pool, defaults: Defaults, gate: Gate, mismatch: Mismatch = Mismatch.SERVE
    ) -> None:
        self._pool = pool
        self._defaults = defaults
        self._gate = gate
        self._mismatch = mismatch

    def models(self) -> list[LoadedModel]:
        """Return every model that is loaded, loading, leaving or waited for."""
        return self._pool.loaded()

    async def load(
        self,
        name: str | None,
        options: LoadOptions = LoadOptions(),  # noqa: B008  frozen
    ) -> AsyncGenerator[LoadProgress]:
        """Load a model as `options` say, anew where it is loaded otherwise, and report how it goes.

        Raises InvalidRequest for bad options, ModelBusy for a model in use that would have to be
        loaded anew, and what loading raises.
        """
        manifest = self._defaults.resolve(name, Kind.CHAT)
        with self._gate.enter():
            async with aclosing(self._pool.load(manifest, options)) as events:
                async for progress in events:
                    yield progress

    async def unload(self, name: str | None, *, everything: bool, force: bool) -> list[str]:
        """Unload one model or all, and forget what `load` said of them; return which.

        Raises ModelBusy for one that is answering unless `force`, and ModelNotLoaded for one of
        which there is nothing to take back either.
        """
        if everything:
            loaded = {model.name for model in self._pool.loaded()}
            names = sorted(loaded.union(self._pool.ordered()))
        else:
            names = [self._defaults.resolve(name, Kind.CHAT).name]
        unloaded = [name for name in names if await self._pool.unload(name, force=force)]
        if not unloaded and not everything:
            raise ModelNotLoaded(f"{names[0]} is not loaded.", hint="`llmd ps` lists what is.")
        return unloaded

    def unmet(self, model: ModelManifest, wish: LoadOptions) -> list[str]:
        """Return what a request wishes that would need the model loaded anew; nothing of one that
        is not loaded.
        """
        return self._pool.unmet(model, wish)

    def admit(self, model: ModelManifest, wish: LoadOptions, policy: Mismatch | None) -> None:
        """Raise InvalidRequest for a request that a model would have to be loaded anew for, where
        that is the policy: the request's own, or the setting.
        """
        if (policy or self._mismatch) is not Mismatch.REFUSE:
            return
        if missed := self._pool.unmet(model, wish):
            raise InvalidRequest(
                f"{model.name} is loaded otherwise, and a request does not load it anew: "
                f"{', '.join(missed)}.",
                hint="`llmd load` does, or let pool.mismatch be serve.",
                param=missed[0],
                would_reload=missed,
            )
