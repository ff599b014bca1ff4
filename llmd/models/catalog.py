"""The catalogue: short names for models worth starting with, and where they are."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from llmd.protocol.models import Kind


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One alias of catalog.toml."""

    alias: str
    repo: str
    quantization: str
    """Taken when the user names none."""
    kind: Kind
    size: str
    """Of the download, in words."""
    license: str
    description: str


class _File(msgspec.Struct, frozen=True):
    model: list[Entry]


@cache
def entries() -> dict[str, Entry]:
    """Return all entries by alias, in the order of the file."""
    text = files("llmd.models").joinpath("catalog.toml").read_text(encoding="utf-8")
    parsed = msgspec.convert(tomllib.loads(text), _File)
    return {entry.alias: entry for entry in parsed.model}


def find(alias: str) -> Entry | None:
    """Return the entry of an alias, whatever its case, or None."""
    return entries().get(alias.casefold())
