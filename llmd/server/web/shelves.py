"""Models as their pages draw them: rows of what is installed, cards of what is loaded, bars of what
takes memory. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from llmd.protocol import amounts
from llmd.protocol.callers import short_hash
from llmd.protocol.directory import Ability
from llmd.protocol.feed import Snapshot
from llmd.protocol.models import Kind, LoadedModel, ModelManifest, ModelState
from llmd.protocol.placement import DeviceUse, Parts, Plan
from llmd.services.defaults import DefaultModel, Purpose
from llmd.services.jobs import Job
from llmd.services.stock import Shelf, Shelved

_WHOLE = 100.0
PARTS = ("weights", "kv_cache", "compute", "caches", "draft", "projector", "process")
"""What memory is taken for, in the order of the bars."""


class Piece(msgspec.Struct, frozen=True):
    """A part of a bar; both figures in percent."""

    part: str
    size: int
    start: float
    width: float


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken of one device; sizes in bytes."""

    device: str
    description: str = ""
    taken: int
    planned: int = 0
    """0: not known."""
    free: int = 0
    total: int = 0
    pieces: list[Piece]
    over: bool = False
    """Whether it is more than was planned, or than there is."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One installed model."""

    key: str
    """Tells elements of the page apart."""
    model: ModelManifest
    abilities: list[str]
    license: str
    missing: bool
    state: ModelState | None
    """Where it stands in memory; None: it is not there."""
    pinned: bool
    purposes: list[str]
    """For which it answers when none is named."""
    job: Job | None
    """What is done with it now."""

    @property
    def builtin(self) -> bool:
        """Whether it is a part of llmd."""
        return self.model.source == "builtin"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One loaded model."""

    key: str
    model: LoadedModel
    bars: list[Bar]
    speed: float
    """Tokens per second now, of all answers together."""

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.model.state is ModelState.READY

    @property
    def cells(self) -> float:
        """Return the share of the KV cache that is in use, in percent."""
        return _WHOLE * amounts.share(self.model.activity.kv_used, self.model.kv_tokens)

    @property
    def held(self) -> float:
        """Return the share that running answers hold, in percent."""
        held = self.model.activity.kv_used - self.model.activity.kv_parked
        return _WHOLE * amounts.share(max(0, held), self.model.kv_tokens)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which model answers for a purpose, and which could."""

    purpose: str
    model: str
    chosen: bool
    able: list[str]


def rows(shelf: Shelf, loaded: Sequence[LoadedModel], jobs: Sequence[Job]) -> list[Row]:
    """Return what is installed: what is loaded first, else by name."""
    memory = {model.name: model for model in loaded}
    busy = {name: job for job in jobs if job.live for name in (job.order.model, job.name)}
    found = [_row(one, shelf.defaults, memory, busy) for one in shelf.models]
    return sorted(found, key=lambda row: (row.state is None, row.model.name.casefold()))


def _row(
    one: Shelved,
    defaults: Sequence[DefaultModel],
    memory: Mapping[str, LoadedModel],
    busy: Mapping[str, Job],
) -> Row:
    name = one.manifest.name
    loaded = memory.get(name)
    return Row(
        key=short_hash(name),
        model=one.manifest,
        abilities=[
            str(ability)
            for ability in one.portrait.abilities
            if ability is not Ability.COMPLETION or len(one.portrait.abilities) == 1
        ],
        license=one.portrait.license,
        missing=one.missing,
        state=loaded.state if loaded else None,
        pinned=loaded is not None and loaded.pinned,
        purposes=[str(default.purpose) for default in defaults if default.model == name],
        job=busy.get(name),
    )


def cards(snapshot: Snapshot) -> list[Card]:
    """Return what is in memory, coming or going."""
    return [
        Card(
            key=short_hash(model.name),
            model=model,
            bars=measured(model),
            speed=model.activity.generated_per_second,
        )
        for model in snapshot.models
    ]


def choices(shelf: Shelf) -> list[Choice]:
    """Return what may be chosen to answer when no model is named."""
    return [
        Choice(
            purpose=str(default.purpose),
            model=default.model,
            chosen=default.chosen,
            able=[one.manifest.name for one in shelf.models if able(one.manifest, default.purpose)],
        )
        for default in shelf.defaults
    ]


def able(model: ModelManifest, purpose: Purpose) -> bool:
    """Whether a model may answer for a purpose."""
    match purpose:
        case Purpose.CHAT:
            return model.kind is Kind.CHAT
        case Purpose.VISION:
            return model.kind is Kind.CHAT and (model.vision or model.audio)
        case Purpose.EMBEDDING:
            return model.kind in {Kind.CHAT, Kind.EMBEDDING}
        case Purpose.RERANK:
            return model.kind is Kind.RERANK


def measured(model: LoadedModel) -> list[Bar]:
    """Return what a loaded model takes of each device, within what was planned."""
    planned = {use.device: use for use in model.predicted}
    taken = {use.device: use for use in model.measured}
    return [_measured(name, planned.get(name), taken.get(name)) for name in {**planned, **taken}]


def _measured(device: str, planned: DeviceUse | None, taken: DeviceUse | None) -> Bar:
    expected = planned.parts.total if planned else 0
    real = taken.parts.total if taken else 0
    return Bar(
        device=device,
        taken=real,
        planned=expected,
        pieces=_pieces(taken.parts if taken else Parts(), max(expected, real)),
        over=0 < expected < real,
    )


def planned(plan: Plan) -> list[Bar]:
    """Return what a plan takes of each device, beside what others have of it."""
    rooms = {room.device: room for room in plan.rooms}
    bars = []
    for use in plan.uses:
        room = rooms.get(use.device)
        total = room.total if room else use.parts.total
        free = room.free if room else 0
        others = max(0, total - free)
        whole = max(total, others + use.parts.total)
        pieces = _pieces(use.parts, whole, others)
        bars.append(
            Bar(
                device=use.device,
                description=room.description if room else "",
                taken=use.parts.total,
                free=free,
                total=total,
                pieces=[Piece("others", others, 0.0, _percent(others, whole)), *pieces],
                over=use.parts.total > free,
            )
        )
    return bars


def _pieces(parts: Parts, whole: int, before: int = 0) -> list[Piece]:
    pieces, at = [], before
    for name in PARTS:
        size = getattr(parts, name)
        if size:
            pieces.append(Piece(name, size, _percent(at, whole), _percent(size, whole)))
            at += size
    return pieces


def _percent(part: int, whole: int) -> float:
    return round(_WHOLE * amounts.share(part, whole), 2)
