"""From what a name asks for to the program that fetches it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmd.models.catalog import Wanted
from llmd.models.references import (
    HubReference,
    ModelScopeReference,
    OllamaReference,
    UrlReference,
)
from llmd.protocol.models import SamplingDefaults


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch, and the local name where that is settled beforehand. Equal orders are one
    download.
    """

    source: str
    """The program, such as `huggingface`."""
    arguments: tuple[str, ...]
    shown: str
    """What progress calls it."""
    name: str = ""
    """To register it under; empty: as the source calls it."""
    draft: str = ""
    """Alias of a model that drafts for it and comes along."""
    sampling: SamplingDefaults = field(default=SamplingDefaults(), compare=False)
    """As the catalogue advises."""


def ordered(wanted: Wanted, models_dir: str, *, draft: bool = True) -> Order:
    """Return the order for what is wanted; without `draft` nothing comes along."""
    entry = wanted.entry
    source, arguments, shown = _program(wanted, models_dir)
    return Order(
        source=source,
        arguments=arguments,
        shown=wanted.name or shown,
        name=wanted.name,
        draft=entry.draft if entry and draft else "",
        sampling=entry.sampling if entry else SamplingDefaults(),
    )


def _program(wanted: Wanted, models_dir: str) -> tuple[str, tuple[str, ...], str]:
    match wanted.source:
        case HubReference(repo, selector, revision):
            return "huggingface", (repo, selector, revision), repo
        case UrlReference(url, sha256):
            return "https", (url, sha256, models_dir), url
        case OllamaReference(name, tag):
            return "ollama", (name, tag, models_dir), f"{name}:{tag or 'latest'}"
        case ModelScopeReference(repo, selector):
            return "modelscope", (repo, selector, models_dir), repo
