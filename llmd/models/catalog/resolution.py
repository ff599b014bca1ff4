"""From a typed name to what is to be fetched. Pure, given the catalogue's entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.catalog.catalogue import Catalogue
from llmd.models.catalog.entry import PLACE, Entry
from llmd.models.names import (
    AliasReference,
    HubReference,
    ModelScopeReference,
    OllamaReference,
    PathReference,
    RemoteReference,
    looks_like_quantization,
    near_misses,
    parse,
)

# what people append who come from Ollama, where every model has it
_USUAL = "latest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a typed name asks for."""

    source: RemoteReference
    name: str = ""
    """To register it under; empty: as the source calls it."""
    entry: Entry | None = None
    """Of the catalogue: how it is sampled, what comes along."""


def wanted(name: str, catalogue: Catalogue, installed: Iterable[str] = ()) -> Wanted:
    """Return what to fetch for a name.

    Raises InvalidRequest for what is no name or a file of this machine, ModelNotFound (with names
    like it, `installed` ones among them) for what is not in the catalogue.
    """
    reference = parse(name)
    match reference:
        case PathReference(path):
            raise InvalidRequest(
                f"{path} is a file on this machine.",
                hint=f"Register it: llmd import {path}.",
                param="name",
            )
        case AliasReference(alias, quantization):
            return _from_catalogue(name, alias, quantization, catalogue, installed)
        case _:
            return Wanted(reference)


def _from_catalogue(
    name: str, alias: str, quantization: str, catalogue: Catalogue, installed: Iterable[str]
) -> Wanted:
    entry, asked = _meant(alias, quantization, catalogue)
    if entry is None:
        raise _unknown(name, catalogue.near(name, installed))
    if not asked:
        return Wanted(_pointed(entry, entry.quantization), entry.alias, entry)
    if asked not in entry.quantizations and not looks_like_quantization(asked):
        raise _no_such_variant(name, entry, quantization, catalogue)
    return Wanted(_pointed(entry, asked), f"{entry.alias}:{asked}", entry)


def _meant(alias: str, quantization: str, catalogue: Catalogue) -> tuple[Entry | None, str]:
    """Return the entry that goes by a name, and the quantisation in capitals (empty: the default
    one).
    """
    if quantization and (entry := catalogue.find(f"{alias}:{quantization}")):
        return entry, ""
    entry = catalogue.find(alias)
    asked = quantization.upper()
    usual = entry is not None and asked in {entry.quantization.upper(), _USUAL.upper()}
    return entry, "" if usual else asked


def _pointed(entry: Entry, quantization: str) -> RemoteReference:
    """Return the entry's source, pointed to one quantisation: by its file where that is known to
    exist, else by the label, which the source may have or not.
    """
    selector = quantization
    if entry.file and (quantization in entry.quantizations or PLACE not in entry.file):
        selector = entry.file.replace(PLACE, quantization)
    match entry.reference:
        case HubReference(repo, _, revision):
            return HubReference(repo, selector, revision)
        case ModelScopeReference(repo):
            return ModelScopeReference(repo, selector)
        case OllamaReference(name, tag) if quantization != entry.quantization:
            # tags of the registry end in the quantisation: 4b -> 4b-q8_0
            return OllamaReference(name, f"{tag}-{quantization.lower()}".removeprefix("-"))
        case other:
            return other


def variant_names(entry: Entry) -> list[tuple[str, str, int]]:
    """Return name to pull by, quantisation and bytes of each variant of an entry, the smallest
    first.
    """
    return [
        (entry.alias if label == entry.quantization else f"{entry.alias}:{label}", label, size)
        for label, size in sorted(entry.quantizations.items(), key=lambda item: item[1])
    ]


def canonical(text: str, catalogue: Catalogue) -> str:
    """Return the name that what was typed is registered under, as far as that can be told: an
    alias for each other name of its entry, `OWNER/REPO:QUANT` without `hf://`.
    """
    try:
        reference = parse(text)
    except InvalidRequest:
        return text
    match reference:
        case AliasReference(alias, quantization):
            entry, asked = _meant(alias, quantization, catalogue)
            parts = (entry.alias, asked) if entry else (alias, quantization)
            return ":".join(filter(None, parts))
        case HubReference(repo, selector, revision):
            return ":".join(filter(None, (f"{repo}@{revision}" if revision else repo, selector)))
        case ModelScopeReference(repo, selector):
            return ":".join(filter(None, (repo, selector)))
        case OllamaReference(name, tag):
            return f"{name}:{tag or _USUAL}"
        case _:
            return text


def _no_such_variant(name: str, entry: Entry, asked: str, catalogue: Catalogue) -> ModelNotFound:
    """Return the error for a tag that is no quantisation; it may be meant as in another entry's
    name, as Ollama's tags are.
    """
    offered = [label for _, label, _ in variant_names(entry)]
    near = [f"{entry.alias}:{label}" for label in near_misses(asked, offered, limit=1)]
    near = near or [other for other in catalogue.near(name) if ":" in other]
    guess = f"Did you mean {' or '.join(near)}? " if near else ""
    listed = f"It has: {', '.join(offered)}." if offered else f"Take the default: {entry.alias}."
    return ModelNotFound(
        f"{entry.alias} has no {asked[:100]}.",
        hint=f"{guess}{listed}",
        param="name",
        suggestions=near,
        offered=offered,
    )


def _unknown(name: str, near: list[str]) -> ModelNotFound:
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return ModelNotFound(
        f"The catalogue has no {name}.",
        hint=f"{hint}`llmd search` lists it; any GGUF repository of the hub can be named as "
        "OWNER/REPO.",
        param="name",
        suggestions=near,
    )
