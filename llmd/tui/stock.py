"""What there is to run: registered models and the catalogue, as one list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

import msgspec

from llmd.protocol import amounts
from llmd.protocol.catalog import Fit, Offer
from llmd.protocol.models import Kind, LoadedModel, ModelManifest, ModelState
from llmd.tui.cells import Cell, Column, Row, Tone
from llmd.tui.jobs import Job, Work

_THOUSAND = 1000
_BINARY = 1024


class Place(IntEnum):
    """Where a model is; the nearest first."""

    MEMORY = 0
    DISK = 1
    CATALOGUE = 2


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One model."""

    name: str
    place: Place
    manifest: ModelManifest | None = None
    """None: it is not on this machine."""
    offer: Offer | None = None
    """What the catalogue says of it; None: it does not know it."""
    loaded: LoadedModel | None = None
    default_for: tuple[str, ...] = ()
    """Purposes for which it answers when no model is named."""
    job: Job | None = None
    """What is done with it now."""

    @property
    def size(self) -> int:
        """Return its bytes; 0: unknown."""
        return self.manifest.size if self.manifest else self.offer.size if self.offer else 0

    @property
    def quantization(self) -> str:
        """Return its type."""
        if self.manifest:
            return self.manifest.quantization
        return self.offer.quantization if self.offer else ""

    @property
    def kind(self) -> str:
        """Return what it is for."""
        if self.manifest:
            return str(self.manifest.kind)
        return str(self.offer.kind) if self.offer else ""

    @property
    def fit(self) -> Fit:
        """Return whether this machine has memory for it."""
        if self.place is Place.MEMORY:
            return Fit.YES
        if self.offer is None:
            return Fit.UNKNOWN
        fits = {variant.quantization: variant.fit for variant in self.offer.variants}
        return fits.get(self.quantization, self.offer.fit)

    @property
    def abilities(self) -> tuple[str, ...]:
        """Return what it can do, what it is for among it."""
        if self.offer:
            return tuple(self.offer.capabilities)
        model = self.manifest
        if model is None:
            return ()
        senses = (("vision", model.vision), ("audio", model.audio))
        return (str(model.kind), *(name for name, has in senses if has))

    @property
    def license(self) -> str:
        """Return the name of its licence, as far as it is known without reading the file."""
        return self.offer.license if self.offer else ""

    @property
    def parameters(self) -> int:
        """Return the number of its weights."""
        if self.manifest:
            return self.manifest.parameters
        return self.offer.parameters if self.offer else 0

    @property
    def context(self) -> int:
        """Return the tokens it was trained for."""
        if self.manifest:
            return self.manifest.context_length
        return self.offer.context if self.offer else 0

    @property
    def pinned(self) -> bool:
        """Whether it never leaves to make room."""
        return bool(self.loaded and self.loaded.pinned)


def items(
    models: Sequence[ModelManifest],
    offers: Sequence[Offer],
    loaded: Sequence[LoadedModel] = (),
    defaults: Mapping[str, str] | None = None,
    jobs: Sequence[Job] = (),
) -> list[Item]:
    """Return what is in memory, then what is on disk, then what could be fetched.

    An entry of the catalogue of which a variant is here shows as that variant; `defaults` is a
    model's name by purpose.
    """
    memory = {model.name: model for model in loaded}
    origin = {name: offer for offer in offers for name in offer.installed}
    busy = {name: job for job in jobs if job.live for name in (job.order.model, job.known_as)}
    here = [
        Item(
            name=model.name,
            place=Place.MEMORY if model.name in memory else Place.DISK,
            manifest=model,
            offer=origin.get(model.name),
            loaded=memory.get(model.name),
            default_for=_purposes(model.name, defaults or {}),
            job=busy.get(model.name),
        )
        for model in models
    ]
    away = [
        Item(
            name=offer.alias,
            place=Place.CATALOGUE,
            offer=offer,
            job=_fetching(offer, busy),
        )
        for offer in offers
        if not offer.installed
    ]
    return sorted(here, key=lambda item: (item.place, item.name.casefold())) + away


def _purposes(name: str, defaults: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(purpose for purpose, model in defaults.items() if model == name)


def _fetching(offer: Offer, busy: Mapping[str, Job]) -> Job | None:
    names = [offer.alias, *(variant.name for variant in offer.variants)]
    return next((busy[name] for name in names if name in busy), None)


COLUMNS = (
    Column(name="", rank=0),
    Column(name="NAME", flexible=True, least=26),
    Column(name="SIZE", right=True),
    Column(name="FITS", rank=1),
    Column(name="STATE", rank=2),
    Column(name="PARAMS", rank=4, right=True),
    Column(name="TYPE", rank=5),
    Column(name="CONTEXT", rank=6, right=True),
    Column(name="ABILITIES", rank=3, flexible=True, least=14),
    Column(name="LICENSE", rank=7),
)


def row(item: Item) -> Row:
    """Return its row for COLUMNS."""
    tone = Tone.PLAIN if item.manifest else Tone.DIM
    cells = (
        _mark(item),
        Cell(item.name, Tone.STRONG if item.place is Place.MEMORY else Tone.PLAIN),
        Cell(amounts.size(item.size) if item.size else "?", tone),
        _fits(item),
        _state(item),
        Cell(amounts.count(item.parameters) if item.parameters else "", tone),
        Cell(item.quantization, tone),
        Cell(tokens(item.context), tone),
        Cell(" ".join(_notable(item.abilities)), tone),
        Cell(item.license, tone),
    )
    return Row(f"{int(item.place is Place.CATALOGUE)}{item.name}", cells)


def _notable(abilities: Sequence[str]) -> Sequence[str]:
    """Leave out what nearly all can."""
    return [ability for ability in abilities if ability != Kind.CHAT] or abilities


def _mark(item: Item) -> Cell:
    if item.loaded:
        ready = item.loaded.state is ModelState.READY
        return Cell("●" if ready else "◐", Tone.GOOD if ready else Tone.WARN)
    if item.job:
        return Cell("↓" if item.job.order.work is Work.PULL else "◐", Tone.ACCENT)
    return Cell("○") if item.manifest else Cell("·", Tone.DIM)


def _fits(item: Item) -> Cell:
    match item.fit:
        case Fit.YES:
            return Cell("yes", Tone.GOOD)
        case Fit.TIGHT:
            return Cell("tight", Tone.WARN)
        case Fit.NO:
            return Cell("no", Tone.BAD)
        case _:
            return Cell("")


def _state(item: Item) -> Cell:
    if item.loaded:
        word = str(item.loaded.state)
        if item.loaded.state is ModelState.LOADING:
            return Cell(f"loading {item.loaded.progress:.0%}", Tone.WARN)
        return Cell("pinned" if item.pinned and word == ModelState.READY else word, Tone.GOOD)
    if item.job:
        return Cell(item.job.brief, Tone.ACCENT)
    if item.default_for:
        return Cell("default", Tone.ACCENT)
    return Cell("here") if item.manifest else Cell("", Tone.DIM)


def tokens(count: int) -> str:
    """Write a context in the thousands its publisher counted in: 131072 and 128000 are 128K."""
    if count < _THOUSAND:
        return str(count or "")
    return f"{count / (_BINARY if count % _THOUSAND else _THOUSAND):.0f}K"
