"""What `llmd search` shows: entries of the catalogue, what of them is here and what fits."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.protocol.models import Kind, SamplingDefaults


class Fit(StrEnum):
    """Whether a model's weights, and what they need beside them, fit in this machine's memory."""

    YES = "yes"
    """In what is free now."""
    TIGHT = "tight"
    """Once other programs and models give memory back."""
    NO = "no"
    UNKNOWN = "unknown"
    """Its size is not known."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One quantisation of an entry."""

    name: str
    """To pull it by."""
    quantization: str
    size: int
    """Bytes; 0: unknown."""
    fit: Fit


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; its fields mean what they mean in catalog.toml."""

    alias: str
    also: list[str]
    source: str
    kind: Kind
    parameters: int
    active: int
    license: str
    context: int
    capabilities: list[str]
    sampling: SamplingDefaults
    projector: str
    draft: str
    description: str
    tags: list[str]
    quantization: str
    size: int
    fit: Fit
    """Of the default quantisation."""
    variants: list[Variant]
    installed: list[str]
    """Names of registered models that come from it."""
    own: bool
    """Whether it is from the user's own file."""


class CatalogFault(msgspec.Struct, frozen=True):
    """An entry of the user's own file that is passed over."""

    path: str
    line: int
    """Counted from 1; 0: unknown."""
    entry: str
    reason: str


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /control/catalog`."""

    models: list[Offer]
    near: list[str] = []
    """Names like the words, when nothing has all of them."""
    faults: list[CatalogFault] = []
