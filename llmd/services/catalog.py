"""The catalogue as `llmd search` shows it: with what is installed and what fits this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psutil

from llmd.models.catalog import Catalogue, Entry, variant_names
from llmd.models.catalog.finding import find, fit
from llmd.models.names import HubReference
from llmd.models.store import ModelStore
from llmd.protocol.catalog import CatalogFault, Fit, Offer, Offers, Variant
from llmd.protocol.models import ModelManifest


class CatalogSearch:
    """What `llmd search` needs."""

    def __init__(self, catalogue: Catalogue, store: ModelStore, own: Path) -> None:
        self._catalogue = catalogue
        self._store = store
        self._own = own

    async def find(self, words: Sequence[str], kind: str = "", largest: int = 0) -> Offers:
        """Return the entries that have all words, see `finding.find`; raise InvalidRequest for an
        unknown kind.
        """
        return await asyncio.to_thread(self._find, words, kind, largest)

    def _find(self, words: Sequence[str], kind: str, largest: int) -> Offers:
        entries = self._catalogue.entries()
        own = self._catalogue.own()
        installed = self._store.list()
        memory = psutil.virtual_memory()
        fits = partial(fit, available=memory.available, total=memory.total)
        found = find(entries.values(), words, kind=kind, largest=largest)
        return Offers(
            models=[
                _offer(
                    entry,
                    fits,
                    [model.name for model in installed if _is_from(model, entry)],
                    own=entry.alias in own,
                )
                for entry in found
            ],
            near=[] if found else self._catalogue.near(" ".join(words)),
            faults=[
                CatalogFault(str(self._own), fault.line, fault.entry, fault.reason)
                for fault in self._catalogue.faults()
            ],
        )


def _offer(entry: Entry, fits: partial[Fit], installed: list[str], *, own: bool) -> Offer:
    return Offer(
        alias=entry.alias,
        also=entry.also,
        source=entry.source,
        kind=entry.kind,
        parameters=entry.parameters,
        active=entry.active,
        license=entry.license,
        context=entry.context,
        capabilities=[str(capability) for capability in entry.capabilities],
        sampling=entry.sampling,
        projector=entry.projector,
        draft=entry.draft,
        description=entry.description,
        tags=entry.tags,
        quantization=entry.quantization,
        size=entry.size,
        fit=fits(entry.size),
        variants=_variants(entry, fits),
        installed=installed,
        own=own,
    )


def _variants(entry: Entry, fits: partial[Fit]) -> list[Variant]:
    return [
        Variant(name=name, quantization=label, size=size, fit=fits(size))
        for name, label, size in variant_names(entry)
    ]


def _is_from(model: ModelManifest, entry: Entry) -> bool:
    """Whether a model has an entry's name, or comes from its repository."""
    name = model.name.casefold()
    if name == entry.alias or name.startswith(f"{entry.alias}:"):
        return True
    match entry.reference:
        case HubReference(repo):
            return model.source.startswith(f"hf://{repo}/")
        case _:
            return False
