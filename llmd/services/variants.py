"""Loading a model in a named quantisation: from disk, else fetched, else made; see models/variants.

What cannot be fetched (the source has it not, or cannot be reached) is made where that is allowed;
when all ways fail the error says what exists and what each way said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound, NotFound
from llmd.models import files
from llmd.models.catalog import Catalogue
from llmd.models.store import ModelStore
from llmd.models.variants import Derive, Present, Pull, Step, check_quantization, missing, steps
from llmd.protocol.models import Kind, LoadProgress, ModelManifest, PullProgress
from llmd.protocol.placement import LoadOptions
from llmd.protocol.quantization import QuantizeProgress, Recipe
from llmd.services.defaults import UNNAMED, Defaults
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.residents import Residents

VariantEvent = PullProgress | QuantizeProgress | LoadProgress

_NOT_TO_BE_HAD = (ModelNotFound, NotFound, DownloadFailed, AccessDenied)


class Variants:
    """What the load calls with a quantisation need."""

    def __init__(  # noqa: PLR0913, PLR0917  the ways to a model, each built elsewhere
        self,
        store: ModelStore,
        catalogue: Catalogue,
        defaults: Defaults,
        pulls: Pulls,
        quantization: Quantization,
        residents: Residents,
        *,
        may_quantize: bool,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._defaults = defaults
        self._pulls = pulls
        self._quantization = quantization
        self._residents = residents
        self._may_quantize = may_quantize

    async def load(
        self, name: str | None, quantization: str | None, options: LoadOptions
    ) -> AsyncGenerator[VariantEvent]:
        """Load a model (None: the default one) in a quantisation (None: the usual one): progress of
        fetching or quantising it, then that of loading.

        Raises InvalidRequest, ModelNotFound with a list of what exists, and what pulling,
        quantising and loading raise.
        """
        async with aclosing(self.ensure(name, quantization)) as events:
            async for event in events:
                if isinstance(event, ModelManifest):
                    ready = event.name
                else:
                    yield event
        async with aclosing(self._residents.load(ready, options)) as loading:
            async for progress in loading:
                yield progress

    async def ensure(
        self, name: str | None, quantization: str | None
    ) -> AsyncGenerator[PullProgress | QuantizeProgress | ModelManifest]:
        """Have a model on the disk in a quantisation: progress, then its manifest; raises as
        `load` does.
        """
        label = check_quantization(quantization)
        if name in UNNAMED:
            name = (await asyncio.to_thread(self._defaults.resolve, None, Kind.CHAT)).name
        name = str(name)
        ways = await self.ways(name, label)
        said: list[LlmdError] = []
        for way in ways:
            try:
                async with aclosing(self._go(way)) as events:
                    async for event in events:
                        yield event
                return
            except _NOT_TO_BE_HAD as error:
                structlog.get_logger("models").info(
                    "a variant is not to be had so", name=name, quantization=label, why=str(error)
                )
                said.append(error)
        raise await asyncio.to_thread(self._failure, name, label, said)

    async def ways(self, name: str, label: str) -> list[Step]:
        """Return the ways in which `ensure` will try to have a model; raise ModelNotFound where
        there is none.
        """
        return await asyncio.to_thread(self._steps, name, label)

    async def _go(
        self, way: Step
    ) -> AsyncGenerator[PullProgress | QuantizeProgress | ModelManifest]:
        match way:
            case Present(model):
                yield model
            case Pull(name):
                async with aclosing(self._pulls.pull(name)) as pulled:
                    async for event in pulled:
                        yield event
            case Derive(source, kind):
                recipe = Recipe(type=kind.name)
                async with aclosing(self._quantization.quantize(source.name, recipe)) as made:
                    async for progress in made:
                        yield progress

    def _present(self) -> list[ModelManifest]:
        return [model for model in self._store.list() if not files.missing(model.files)]

    def _steps(self, name: str, label: str) -> list[Step]:
        return steps(name, label, self._present(), self._catalogue, may_quantize=self._may_quantize)

    def _failure(self, name: str, label: str, said: list[LlmdError]) -> LlmdError:
        """Return why none of the ways led there: the only one's own error where nothing of the
        model is here, else what exists.
        """
        lacking = missing(
            name, label, self._present(), self._catalogue, may_quantize=self._may_quantize
        )
        if not isinstance(said[-1], ModelNotFound | NotFound):
            return said[-1]
        lacking.hint = f"{said[-1].message} {lacking.hint}"
        return lacking
