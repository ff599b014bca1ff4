"""The `Planner` that knows this machine: headers of models, devices, and what loads really took."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import psutil
import structlog

from llmd.config.settings import Settings
from llmd.errors import LlmdError
from llmd.models.gguf.facts import Facts
from llmd.models.gguf.header import ArraySummary, read_header
from llmd.models.gguf.reading import Reading, read_model
from llmd.models.placement import (
    Experience,
    Extras,
    Fitting,
    Lesson,
    Subject,
    Wishes,
    arrange,
    error,
    identity_of,
    projector_size,
    repacked_types,
    settle,
)
from llmd.protocol.models import Drafting, Kind, LoadedModel, ModelManifest
from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Plan
from llmd.runtime.devices import CPU, Devices

_MERGES = "tokenizer.ggml.merges"
_PREDICTING = {"auto", "mtp"}


class MemoryPlanner:
    """Plans by what models are made of."""

    def __init__(
        self,
        settings: Settings,
        devices: Devices,
        experience: Experience,
        drafting: Callable[[ModelManifest], Drafting] = lambda _: Drafting(),
    ) -> None:
        self._settings = settings
        self._media_cache = int(settings.media.cache)
        self._devices = devices
        self._experience = experience
        self._drafting = drafting
        self._log = structlog.get_logger("planner")

    async def rooms(self, loaded: Sequence[LoadedModel]) -> list[DeviceRoom]:
        """Return the devices and what is free of them beside `loaded`."""
        rooms = await self._devices.rooms([pid for model in loaded for pid in model.pids])
        promised = sum(_promised(model) for model in loaded)
        return [
            msgspec.structs.replace(room, free=max(0, room.free - promised))
            if room.device == CPU
            else room
            for room in rooms
        ]

    async def plan(
        self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
    ) -> Plan:
        """Return how to load a model; see `Planner`."""
        repacked = repacked_types(await self._devices.features())
        return await asyncio.to_thread(self._plan, manifest, options, rooms, repacked)

    async def learn(
        self,
        manifest: ModelManifest,
        options: LoadOptions,
        plan: Plan,
        measured: Sequence[DeviceUse],
        seconds: float,
    ) -> None:
        """Keep what a load really took; see `Planner`."""
        if measured and not plan.rough:
            repacked = repacked_types(await self._devices.features())
            await asyncio.to_thread(
                self._learn, _Load(manifest, options, plan), repacked, measured, seconds
            )

    def _learn(
        self,
        load: _Load,
        repacked: frozenset[str],
        measured: Sequence[DeviceUse],
        seconds: float,
    ) -> None:
        manifest, plan = load.manifest, load.plan
        off = error(plan.uses, measured)
        self._log.info(
            "measured", model=manifest.name, off=f"{off:+.1%}", seconds=round(seconds, 2)
        )
        try:
            subject = self._subject(manifest)
            wishes = self._wishes(manifest, load.options, subject.facts)
            identity = identity_of(Path(manifest.path))
        except (LlmdError, OSError) as failure:
            self._log.warning("nothing is learnt", model=manifest.name, reason=str(failure))
            return
        fitting = Fitting(subject, wishes, plan.rooms, repacked)
        self._experience.learn(identity, fitting.lesson(plan, measured, seconds))

    def _plan(
        self,
        manifest: ModelManifest,
        options: LoadOptions,
        rooms: Sequence[DeviceRoom],
        repacked: frozenset[str],
    ) -> Plan:
        subject = self._subject(manifest)
        wishes = self._wishes(manifest, options, subject.facts)
        lessons = self._lessons(manifest)
        plan = arrange(subject, wishes, rooms, repacked=repacked, lessons=lessons)
        return msgspec.structs.replace(plan, load_seconds=self._seconds(plan, lessons))

    def _wishes(self, manifest: ModelManifest, options: LoadOptions, facts: Facts) -> Wishes:
        return settle(
            self._settings,
            options,
            facts,
            generates=manifest.kind is Kind.CHAT,
            ranks=manifest.kind is Kind.RERANK,
        )

    def _subject(self, manifest: ModelManifest) -> Subject:
        """Return what a model is made of; raise NotFound or CorruptFile, ConfigInvalid where its
        draft model is not there.
        """
        reading = read_model(Path(manifest.path))
        chats = manifest.kind is Kind.CHAT
        drafting = self._drafting(manifest)
        draft = read_model(Path(drafting.model)) if drafting.model else None
        shown = chats and manifest.projector
        return Subject(
            name=manifest.name,
            facts=reading.facts,
            merges=_merges(reading),
            extras=Extras(
                draft=draft.facts if draft else None,
                draft_merges=_merges(draft) if draft else 0,
                projector=projector_size(read_header(Path(manifest.projector))) if shown else 0,
                media_cache=self._media_cache if shown else 0,
                prediction=bool(reading.facts.prediction_layers)
                and drafting.mode in _PREDICTING
                and not draft
                and chats,
            ),
        )

    def _lessons(self, manifest: ModelManifest) -> Sequence[Lesson]:
        with contextlib.suppress(OSError):
            return self._experience.lessons(identity_of(Path(manifest.path)))
        return []

    def _seconds(self, plan: Plan, lessons: Sequence[Lesson]) -> float | None:
        """Return how long loading may take, by how long it took."""
        if lessons:
            return lessons[-1].seconds
        rate = self._experience.rate()
        return sum(use.parts.weights for use in plan.uses) / rate if rate else None


class _Load(msgspec.Struct, frozen=True):
    """A load that was carried out."""

    manifest: ModelManifest
    options: LoadOptions
    plan: Plan


def _merges(reading: Reading) -> int:
    found = reading.headers[0].values.get(_MERGES)
    return found.count if isinstance(found, ArraySummary) else 0


def _promised(model: LoadedModel) -> int:
    """Return the bytes of main memory that a loaded model has claimed and that count as free all
    the same: what it has not touched yet, and page cache it needs.
    """
    claimed = sum(use.parts.total for use in model.predicted if use.device == CPU)
    return max(0, claimed - sum(map(_own, model.pids)))


def _own(pid: int) -> int:
    """Return the bytes that a process shares with nobody."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(memory.rss) - int(getattr(memory, "shared", 0))
