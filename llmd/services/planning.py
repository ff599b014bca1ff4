"""What loading a model would take, for `llmd plan`: one that is registered, a file, or an entry of
the catalogue that is not here yet.

Nothing is loaded and nothing unloaded; what would have to go is said.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.catalog import Catalogue
from llmd.models.gguf.inspection import inspect
from llmd.models.names import AliasReference, PathReference, parse
from llmd.models.placement.guessing import Outline, guess
from llmd.protocol.models import Kind, LoadedModel, ModelManifest, ModelState, Prospect
from llmd.protocol.placement import DeviceRoom, LoadOptions, Plan
from llmd.runtime.planning import Planner, freed
from llmd.runtime.pool import Pool
from llmd.runtime.residency.wishes import checked, merged
from llmd.runtime.room import MAIN_MEMORY
from llmd.services.defaults import Defaults


class Planning:
    """Plans without loading; `reserve` bytes of main memory stay free, as in the pool."""

    def __init__(
        self, planner: Planner, pool: Pool, defaults: Defaults, catalogue: Catalogue, reserve: int
    ) -> None:
        self._planner = planner
        self._pool = pool
        self._defaults = defaults
        self._catalogue = catalogue
        self._reserve = reserve

    async def plan(self, name: str | None, options: LoadOptions) -> Plan:
        """Return how a model would be loaded now, with the idle models that would go for it.

        Raises ModelNotFound, NotFound or CorruptFile for a file that cannot be read, and
        InvalidRequest for bad options.
        """
        checked(options)
        found = await asyncio.to_thread(self._found, name)
        loaded = self._pool.loaded()
        rooms = self._kept_back(await self._planner.rooms(loaded))
        if isinstance(found, Outline):
            return guess(found, options, rooms)
        own = next((model for model in loaded if model.name == found.name), None)
        if own:
            rooms = freed(rooms, own.predicted)
        wanted = merged(found.options, options)
        plan = await self._planner.plan(found, wanted, rooms)
        if plan.fits:
            return plan
        return await self._with_evictions(found, wanted, plan, _idle(loaded, found.name))

    async def rough(self, prospect: Prospect) -> Plan:
        """Return a rough plan for what is not here yet, of which nothing but the size is known."""
        rooms = self._kept_back(await self._planner.rooms(self._pool.loaded()))
        return guess(Outline(prospect.name, prospect.size, 0, 0), LoadOptions(), rooms)

    async def _with_evictions(
        self,
        manifest: ModelManifest,
        options: LoadOptions,
        plan: Plan,
        idle: Sequence[LoadedModel],
    ) -> Plan:
        """Return a plan that fits once idle models are gone, or the given one."""
        rooms: list[DeviceRoom] = list(plan.rooms)
        names: list[str] = []
        for model in idle:
            rooms, names = freed(rooms, model.predicted), [*names, model.name]
            without = await self._planner.plan(manifest, options, rooms)
            if without.fits:
                return msgspec.structs.replace(without, evicted=names)
        return plan

    def _found(self, name: str | None) -> ModelManifest | Outline:
        with contextlib.suppress(ModelNotFound, InvalidRequest):
            return self._defaults.resolve(name, Kind.CHAT)
        reference = parse(name or "")
        if isinstance(reference, PathReference):
            return _unregistered(reference.path)
        if isinstance(reference, AliasReference):
            outline = self._outline(name or "", reference)
            if outline:
                return outline
        return self._defaults.resolve(name, Kind.CHAT)

    def _outline(self, name: str, reference: AliasReference) -> Outline | None:
        entry = self._catalogue.find(name) or self._catalogue.find(reference.alias)
        if entry is None:
            return None
        label = (reference.quantization or entry.quantization).upper()
        size = entry.quantizations.get(label, 0)
        if not size:
            return None
        return Outline(f"{entry.alias}:{label.lower()}", size, entry.parameters, entry.context)

    def _kept_back(self, rooms: Sequence[DeviceRoom]) -> list[DeviceRoom]:
        return [
            msgspec.structs.replace(room, free=max(0, room.free - self._reserve))
            if room.device == MAIN_MEMORY
            else room
            for room in rooms
        ]


def _idle(loaded: Sequence[LoadedModel], name: str) -> list[LoadedModel]:
    """Return the models that may go, those that will go soonest first."""
    found = [
        model
        for model in loaded
        if model.state is ModelState.READY
        and not model.running
        and not model.pinned
        and model.name != name
    ]
    return sorted(found, key=lambda model: (model.expires_in is None, model.expires_in or 0.0))


def _unregistered(path: Path) -> ModelManifest:
    """Describe a file as if it were registered; raise NotFound, CorruptFile or
    UnsupportedArchitecture.
    """
    found = inspect(path)
    return ModelManifest(
        name=path.name,
        path=str(path),
        source=f"file://{path}",
        kind=found.kind,
        architecture=found.architecture,
        parameters=found.parameters,
        quantization=found.quantization,
        size=found.size,
        context_length=found.context_length,
        added=0.0,
        owned=False,
    )
