"""What is to be told of a model besides its name: by its file's header, and by the entry of the
catalogue that it comes from. Headers are read in threads; portraits are kept while files stay as
they are.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from llmd.chat.hints import Hints, hints
from llmd.errors import LlmdError
from llmd.models.catalog import Capability, Catalogue, Entry
from llmd.models.gguf.description import template_text
from llmd.models.gguf.origin import Origin
from llmd.models.gguf.reading import Reading, read_model
from llmd.models.names import HubReference
from llmd.models.quantization import stem_of
from llmd.protocol.directory import Ability
from llmd.protocol.models import Kind, ModelManifest

_CODE = re.compile(r"(?:^|[^a-z])(?:code|coder|coding|codellama|starcoder|codestral|devstral)\d*\b")
_ABILITIES = {
    Capability.CHAT: Ability.CHAT,
    Capability.TOOLS: Ability.TOOL_USE,
    Capability.VISION: Ability.VISION,
    Capability.AUDIO: Ability.AUDIO,
    Capability.REASONING: Ability.REASONING,
    Capability.EMBEDDING: Ability.EMBEDDING,
    Capability.RERANK: Ability.RERANK,
}
_MOST = 1000
_LONGEST = 400
_LONGEST_NAME = 60
_BILLION = 1e9


class Portrait(msgspec.Struct, frozen=True):
    """One model, for people who choose."""

    title: str
    version: str
    description: str
    abilities: list[Ability]
    license: str = ""
    """Name of its licence, as the catalogue, its preset or its file says."""


class Portraits:
    """Portraits of registered models and of entries of the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[str, tuple[Reading, ModelManifest, Entry | None, Portrait]] = {}

    async def of(self, models: Sequence[ModelManifest]) -> list[Portrait]:
        """Return the portraits of these models, whatever has become of their files."""
        return await asyncio.to_thread(self._all, models)

    def _all(self, models: Iterable[ModelManifest]) -> list[Portrait]:
        entries = self._catalogue.entries().values()
        repositories = {repo: entry for entry in entries if (repo := _repository(entry))}
        return [self._one(model, self._entry(model, repositories)) for model in models]

    def _entry(self, model: ModelManifest, repositories: dict[str, Entry]) -> Entry | None:
        named = self._catalogue.find(model.name) or self._catalogue.find(stem_of(model.name))
        repo = "/".join(model.source.split("/")[:4])
        return named or repositories.get(repo)

    def _one(self, model: ModelManifest, entry: Entry | None) -> Portrait:
        try:
            reading = read_model(Path(model.path))
        except LlmdError:  # its file is gone or damaged: what the manifest knows must do
            return _portrait(model, entry, Origin(), None)
        known = self._known.get(model.name)
        if known and known[0] is reading and known[1:3] == (model, entry):
            return known[3]
        first = reading.headers[0]
        template = model.preset.template or template_text(first) or ""
        given = hints(template) if template else None
        made = _portrait(model, entry, reading.description.origin, given)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[model.name] = (reading, model, entry, made)
        return made


def of_entry(entry: Entry) -> Portrait:
    """Return the portrait of an entry of the catalogue."""
    abilities = [_ABILITIES[capability] for capability in entry.capabilities]
    if Ability.CHAT in abilities:
        abilities.insert(abilities.index(Ability.CHAT) + 1, Ability.COMPLETION)
    if _codes(entry.alias, entry.tags):
        abilities.append(Ability.CODE)
    return Portrait(entry.alias, "", entry.description, abilities, entry.license)


def _portrait(
    model: ModelManifest, entry: Entry | None, origin: Origin, given: Hints | None
) -> Portrait:
    description = (entry.description if entry else "") or origin.description or _plainly(model)
    return Portrait(
        title=origin.name or model.name,
        version=origin.version,
        description=description[:_LONGEST],
        abilities=_abilities(model, entry, origin, given),
        license=_license(model, entry, origin),
    )


def _license(model: ModelManifest, entry: Entry | None, origin: Origin) -> str:
    """Return the name of a licence; of a text, its first line."""
    own = model.preset.license.strip().splitlines()
    known = (entry.license if entry else "") or origin.license or (own[0] if own else "")
    return known[:_LONGEST_NAME]


def _abilities(
    model: ModelManifest, entry: Entry | None, origin: Origin, given: Hints | None
) -> list[Ability]:
    if model.kind is not Kind.CHAT:
        return [Ability.RERANK if model.kind is Kind.RERANK else Ability.EMBEDDING]
    can = {
        Ability.CHAT: model.has_chat_template or bool(model.preset.template),
        Ability.COMPLETION: True,
        Ability.CODE: _codes(
            f"{model.name} {origin.name}", [*origin.tags, *(entry.tags if entry else [])]
        ),
        Ability.TOOL_USE: given is not None and given.tools,
        Ability.VISION: model.vision,
        Ability.AUDIO: model.audio,
        Ability.REASONING: given is not None and given.reasoning,
    }
    return [ability for ability, able in can.items() if able]


def _codes(name: str, tags: Iterable[str]) -> bool:
    return bool(_CODE.search(name.casefold())) or "code" in tags


def _plainly(model: ModelManifest) -> str:
    billions = model.parameters / _BILLION
    weights = f"{billions:.1f} billion" if billions >= 1 else f"{billions * 1000:.0f} million"
    return (
        f"{model.architecture}, {weights} weights as {model.quantization}, "
        f"trained for {model.context_length} tokens"
    )


def _repository(entry: Entry) -> str:
    match entry.reference:
        case HubReference(repo):
            return f"hf://{repo}"
        case _:
            return ""
