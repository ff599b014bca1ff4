"""What is known of a model without loading it: one that is registered, any GGUF file of this
machine, or an entry of the catalogue that is not here yet.

Headers are read in threads, and kept while the files stay as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import msgspec

from llmd.chat.hints import Hints, hints
from llmd.errors import InvalidRequest, LlmdError, ModelNotFound
from llmd.models.catalog import Catalogue, Entry
from llmd.models.gguf.caching import ELEMENT, cache_size
from llmd.models.gguf.description import Description, template_names, template_text
from llmd.models.gguf.facts import Facts
from llmd.models.gguf.reading import Reading, read_model
from llmd.models.names import AliasReference, PathReference, parse
from llmd.models.placement.shape import can_be_narrow
from llmd.models.store import ModelStore
from llmd.protocol.models import LoadedModel, ModelManifest
from llmd.runtime.pool import Pool

_USUAL_CONTEXT = 8192


class CacheSize(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that the cache takes for one sequence of a length, by type of its elements; a window in
    layers that look back no further.
    """

    tokens: int
    bytes: dict[str, int]


class FileCard(msgspec.Struct, frozen=True, kw_only=True):
    """What the files of a model tell."""

    files: list[str]
    """Absolute paths of all parts."""
    size: int
    """Bytes of them."""
    facts: Facts
    description: Description
    templates: dict[str, str]
    """Chat templates by name."""
    abilities: Hints | None
    """What its chat template, or the one of its preset, gives away; None: it has none."""
    cache: list[CacheSize]
    metadata: dict[str, Any]
    """Key-values of the file, long arrays as `{"type", "count"}`."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a model; which fields are there depends on where it is."""

    manifest: ModelManifest | None = None
    """None: it is not registered."""
    loaded: LoadedModel | None = None
    file: FileCard | None = None
    """None: there is no file here, or `problem` says what is wrong with it."""
    entry: Entry | None = None
    """Of the catalogue, for what is not registered."""
    quantization: str = ""
    """That was asked for with the entry."""
    problem: str = ""
    """What is wrong with the file of a registered model."""


class Descriptions:
    """What `llmd show` needs."""

    def __init__(self, store: ModelStore, pool: Pool, catalogue: Catalogue) -> None:
        self._store = store
        self._pool = pool
        self._catalogue = catalogue

    async def installed(self, name: str) -> Card:
        """Describe a registered model, even if its file is gone; raise ModelNotFound."""
        return self._with_memory(await asyncio.to_thread(self._installed, name))

    async def of(self, name: str) -> Card:
        """Describe what a person means by a name or a path.

        Raises ModelNotFound, NotFound or CorruptFile for a file that cannot be read, InvalidRequest
        for what is neither.
        """
        return self._with_memory(await asyncio.to_thread(self._of, name))

    def _of(self, name: str) -> Card:
        # a name may look like anything, so what is registered comes first
        with contextlib.suppress(ModelNotFound, InvalidRequest):
            return self._installed(name)
        reference = parse(name)
        if isinstance(reference, PathReference):
            return self._at(reference.path)
        if isinstance(reference, AliasReference):
            entry = self._catalogue.find(name) or self._catalogue.find(reference.alias)
            if entry:
                return Card(entry=entry, quantization=reference.quantization)
        return self._installed(name)

    def _at(self, path: Path) -> Card:
        known = next((model for model in self._store.list() if model.path == str(path)), None)
        if known:
            return self._installed(known.name)
        return Card(file=file_card(read_model(path)))

    def _installed(self, name: str) -> Card:
        manifest = self._store.find(name)
        try:
            card = file_card(read_model(Path(manifest.path)), manifest.preset.template)
        except LlmdError as error:
            return Card(manifest=manifest, problem=str(error))
        return Card(manifest=manifest, file=card)

    def _with_memory(self, card: Card) -> Card:
        if card.manifest is None:
            return card
        name = card.manifest.name
        loaded = next((model for model in self._pool.loaded() if model.name == name), None)
        return msgspec.structs.replace(card, loaded=loaded)


def file_card(found: Reading, template: str = "") -> FileCard:
    """Return what the files of a model tell; `template`: a chat template to use in place of the
    file's.
    """
    first = found.headers[0]
    templates = {name: template_text(first, name) or "" for name in template_names(first)}
    used = template or templates.get("default", "")
    return FileCard(
        files=[str(file) for file in found.files],
        size=found.size,
        facts=found.facts,
        description=found.description,
        templates=templates,
        abilities=hints(used) if used else None,
        cache=_cache(found.facts),
        metadata=first.metadata(),
    )


def _cache(facts: Facts) -> list[CacheSize]:
    trained = facts.context_length
    lengths = sorted({min(_USUAL_CONTEXT, trained), trained} - {0})
    kept = any(layer.cached_keys or layer.state for layer in facts.layers)
    narrow = can_be_narrow(facts)
    return [
        CacheSize(
            tokens=tokens,
            bytes={kind: cache_size(facts, tokens, kind, narrow=narrow) for kind in ELEMENT},
        )
        for tokens in lengths
        if kept
    ]
