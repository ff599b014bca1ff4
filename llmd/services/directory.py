"""The models that answer here, as a gateway describes them: abilities by their files, limits by how
they are loaded, performance as measured.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from llmd.errors import ModelNotFound
from llmd.models import files
from llmd.models.catalog import Catalogue, Entry
from llmd.models.placement.wishes import USUAL_CONTEXT
from llmd.protocol.directory import (
    DirectoryModel,
    Health,
    Knobs,
    Span,
    Standing,
    Whereabouts,
)
from llmd.protocol.models import LoadedModel, ModelManifest, ModelState, SamplingDefaults
from llmd.services.library import Library
from llmd.services.machine import Machine
from llmd.services.performance import Performance
from llmd.services.portraits import Portrait, Portraits, of_entry
from llmd.services.residents import Residents

HOTTEST = 5.0
"""The highest temperature that requests may have."""

Found = list[DirectoryModel]

Usual = Callable[[SamplingDefaults], SamplingDefaults]
"""How a model with such a preset is sampled where a request does not say."""

_STANDINGS = {
    ModelState.READY: Standing.ACTIVE,
    ModelState.LOADING: Standing.LOADING,
    ModelState.UNLOADING: Standing.UNLOADING,
    ModelState.WAITING: Standing.WAITING,
}
_HEALTH = {
    ModelState.READY: Health.HEALTHY,
    ModelState.LOADING: Health.STARTING,
    ModelState.UNLOADING: Health.STOPPING,
    ModelState.WAITING: Health.STARTING,
}
_BITS = re.compile(r"(?:UD[-_])?I?Q([1-8])(?:_|$)")
_FLOATS = {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}


class Directory:
    """What the calls that list models need; `context` is what models are loaded with where nobody
    says, 0: what they were trained for, within reason.
    """

    def __init__(  # noqa: PLR0913, PLR0917  each knows one side of a model
        self,
        library: Library,
        residents: Residents,
        portraits: Portraits,
        performance: Performance,
        machine: Machine,
        catalogue: Catalogue,
        usual: Usual,
        context: int = 0,
    ) -> None:
        self._library = library
        self._residents = residents
        self._portraits = portraits
        self._performance = performance
        self._machine = machine
        self._catalogue = catalogue
        self._usual = usual
        self._context = context

    async def list(self, *, available: bool = False) -> Found:
        """Return all registered models; with `available` also what the catalogue has beyond
        them.
        """
        models = await self._library.models()
        found = await self._described(models)
        if not available:
            return found
        here = {model.name.casefold() for model in models}
        entries = self._catalogue.entries().values()
        return [*found, *(self._offered(entry) for entry in entries if entry.alias not in here)]

    async def get(self, name: str) -> DirectoryModel:
        """Return one, registered or of the catalogue, or the default; raise ModelNotFound."""
        name = self._library.meant(name)
        try:
            model = await self._library.get(name)
        except ModelNotFound:
            if entry := self._catalogue.find(name):
                return self._offered(entry)
            raise
        return (await self._described([model]))[0]

    async def local(self) -> Found:
        """Return those in memory, also such as are coming or going."""
        names = {model.name for model in self._residents.models()}
        models = [model for model in await self._library.models() if model.name in names]
        return [model for model in await self._described(models) if model.loaded]

    async def _described(self, models: Sequence[ModelManifest]) -> Found:
        loaded = {model.name: model for model in self._residents.models()}
        portraits = await self._portraits.of(models)
        gone = await asyncio.to_thread(_without_files, models)
        return [
            await self._one(model, portrait, loaded.get(model.name), gone=model.name in gone)
            for model, portrait in zip(models, portraits, strict=True)
        ]

    async def _one(
        self, model: ModelManifest, portrait: Portrait, loaded: LoadedModel | None, *, gone: bool
    ) -> DirectoryModel:
        idle = Standing.INACTIVE if gone else Standing.ACTIVE
        return DirectoryModel(
            id=model.name,
            name=portrait.title,
            description=portrait.description,
            version=portrait.version,
            capabilities=portrait.abilities,
            provider="local",
            status=_STANDINGS[loaded.state] if loaded else idle,
            loaded=loaded is not None,
            place=await self._place(model, loaded),
            parameters=_knobs(self._usual(model.preset.sampling), self._limit(model, loaded)),
            stats=self._performance.of(model.name),
        )

    async def _place(self, model: ModelManifest, loaded: LoadedModel | None) -> Whereabouts:
        plain = Whereabouts(
            node=self._machine.node,
            hardware=None,
            quantization=short_label(model.quantization),
            quantization_type=model.quantization,
        )
        if loaded is None:
            return plain
        dead = loaded.state is ModelState.READY and not loaded.instances
        return Whereabouts(
            node=plain.node,
            hardware=await self._machine.hardware(loaded),
            quantization=plain.quantization,
            quantization_type=plain.quantization_type,
            memory=_taken(loaded),
            loaded_at=loaded.loaded_at or None,
            health=Health.UNHEALTHY if dead else _HEALTH[loaded.state],
            max_batch_size=loaded.parallel * max(1, loaded.instances),
        )

    def _limit(self, model: ModelManifest, loaded: LoadedModel | None) -> int:
        """Return the tokens that the model has room for, or will have once it is loaded."""
        if loaded and loaded.context_length:
            return loaded.context_length
        usual = min(model.context_length or USUAL_CONTEXT, USUAL_CONTEXT)
        return model.options.context_length or self._context or usual

    def _offered(self, entry: Entry) -> DirectoryModel:
        portrait = of_entry(entry)
        context = min(entry.context or USUAL_CONTEXT, USUAL_CONTEXT)
        return DirectoryModel(
            id=entry.alias,
            name=portrait.title,
            description=portrait.description,
            version=portrait.version,
            capabilities=portrait.abilities,
            provider="local",
            status=Standing.AVAILABLE,
            loaded=False,
            place=Whereabouts(
                node=self._machine.node,
                hardware=None,
                quantization=short_label(entry.quantization),
                quantization_type=entry.quantization,
            ),
            parameters=_knobs(self._usual(entry.sampling), self._context or context),
        )


def _without_files(models: Sequence[ModelManifest]) -> set[str]:
    return {model.name for model in models if files.missing(model.files)}


def short_label(quantization: str) -> str:
    """Return a quantisation as the deploy call takes it, by the bits of a weight: `int8`, `int4`,
    `fp16`; as it is, where that says nothing.
    """
    if bits := _BITS.match(quantization):
        return f"int{bits[1]}"
    return _FLOATS.get(quantization, quantization.lower())


def _knobs(usual: SamplingDefaults, limit: int) -> Knobs:
    return Knobs(
        max_tokens=limit,
        temperature=Span(0.0, HOTTEST, _or(usual.temperature, 1.0)),
        top_p=Span(0.0, 1.0, _or(usual.top_p, 1.0)),
    )


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def _taken(loaded: LoadedModel) -> int:
    """Return the bytes a model takes: measured on all devices, else of its processes, else what was
    planned.
    """
    measured = sum(use.parts.total for use in loaded.measured)
    planned = sum(use.parts.total for use in loaded.predicted)
    return measured or loaded.memory.resident or planned
