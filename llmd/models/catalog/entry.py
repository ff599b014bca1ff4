"""One entry of a catalogue file, and what must hold in it beyond the types of its fields. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from llmd.errors import LlmdError
from llmd.models.names import AliasReference, PathReference, RemoteReference, parse
from llmd.protocol.models import Kind, SamplingDefaults

_LABEL = re.compile(r"[A-Z0-9][A-Z0-9_-]*")
_FILE = re.compile(r"[\w.+@{}-]+(?:/[\w.+@{}-]+)*\.gguf", re.ASCII)
PLACE = "{quantization}"
_LIMITS: dict[str, tuple[float, float]] = {
    "temperature": (0, 5),
    "top_k": (0, 1_000_000),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "repeat_penalty": (0, 10),
    "max_tokens": (0, 100_000_000),
}

Count = Annotated[int, Meta(ge=0)]


class Capability(StrEnum):
    """What a model can do."""

    CHAT = "chat"
    TOOLS = "tools"
    VISION = "vision"
    AUDIO = "audio"
    REASONING = "reasoning"
    EMBEDDING = "embedding"
    RERANK = "rerank"


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A short name and all that is known of what it stands for; `alias` and `source` suffice."""

    alias: str
    """Lower case."""
    source: str
    """A repository or address, as `names.parse` reads it, without quantisation."""
    also: list[str] = []
    """Other names people use for it, `name:tag` among them."""
    file: str = ""
    """Name of the file in the repository, `{quantization}` in place of the label."""
    quantization: str = ""
    """Taken when the user names none; empty: the best the repository has."""
    quantizations: dict[str, Count] = {}
    """Bytes of each quantisation that is known to exist, by its label in capitals."""
    parameters: Count = 0
    """Weights; 0: unknown."""
    active: Count = 0
    """Weights that take part in one token, of a mixture of experts; 0: all."""
    license: str = ""
    context: Count = 0
    """Tokens it was trained for; 0: unknown."""
    capabilities: list[Capability] = msgspec.field(default_factory=lambda: [Capability.CHAT])
    sampling: SamplingDefaults = SamplingDefaults()
    """As the publisher advises."""
    projector: str = ""
    """Name of the mmproj file that the repository holds."""
    draft: str = ""
    """Alias of the model that drafts well for it."""
    description: str = ""
    tags: list[str] = []

    @property
    def kind(self) -> Kind:
        """Return what it is for."""
        if Capability.RERANK in self.capabilities:
            return Kind.RERANK
        return Kind.EMBEDDING if Capability.EMBEDDING in self.capabilities else Kind.CHAT

    @property
    def size(self) -> int:
        """Return the bytes of the default quantisation; 0: unknown."""
        return self.quantizations.get(self.quantization, 0)

    @property
    def names(self) -> list[str]:
        """Return all names it goes by."""
        return [self.alias, *self.also]

    @property
    def reference(self) -> RemoteReference:
        """Return where it is, as far as `source` says."""
        match parse(self.source):
            case AliasReference() | PathReference():
                raise AssertionError("flaws() lets no such entry pass")
            case reference:
                return reference


def flaws(entry: Entry) -> list[str]:
    """Return what is wrong with an entry, each as a sentence; none: it can be used."""
    found = [*_name_flaws(entry), *_source_flaws(entry), *_sampling_flaws(entry.sampling)]
    file = entry.file.replace(PLACE, "Q4")
    if file and (not _FILE.fullmatch(file) or ".." in file):
        found.append(f"file is {entry.file!r}, which is no name of a GGUF file.")
    wrong = [label for label in entry.quantizations if not _LABEL.fullmatch(label)]
    found += [f"quantizations has {label!r}, which is not in capitals." for label in wrong]
    if entry.quantizations and entry.quantization not in entry.quantizations:
        found.append(f"quantization is {entry.quantization!r}, which quantizations does not list.")
    return found


def _name_flaws(entry: Entry) -> list[str]:
    found = []
    for name in entry.names:
        plain = name.isascii() and name == name.lower()
        try:
            fine = plain and isinstance(parse(name), AliasReference)
        except LlmdError:
            fine = False
        if not fine:
            found.append(f"{name!r} is no alias: lower-case letters, digits and . _ - only.")
    if ":" in entry.alias:
        found.append("alias has a colon, which `also` alone may have.")
    return found


def _source_flaws(entry: Entry) -> list[str]:
    try:
        reference = parse(entry.source)
    except LlmdError as error:
        return [f"source: {error.message}"]
    if isinstance(reference, AliasReference | PathReference):
        return [f"source is {entry.source!r}, which names neither a repository nor an address."]
    return []


def _sampling_flaws(sampling: SamplingDefaults) -> list[str]:
    found = []
    for name, (low, high) in _LIMITS.items():
        value = getattr(sampling, name)
        if value is not None and not low <= value <= high:
            found.append(f"sampling.{name} is {value}, not between {low} and {high}.")
    return found
