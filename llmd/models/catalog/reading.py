"""From the text of a catalogue file to its entries. Pure. One damaged entry does not cost the
others: each is reported with its line, and passed over.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

import msgspec

from llmd.models.catalog.entry import Entry, flaws
from llmd.protocol.models import SamplingDefaults

_TABLE = re.compile(r"^[ \t]*\[\[\s*(?:model|\"model\"|'model')\s*\]\]", re.MULTILINE)
_AT_LINE = re.compile(r"at line (?P<line>\d+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a catalogue file that cannot be used."""

    line: int
    """Where the entry begins, counted from 1; 0: unknown."""
    entry: str
    """Its alias, as far as it has one."""
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds."""

    entries: dict[str, Entry]
    """By alias, in the order of the file."""
    faults: tuple[Fault, ...] = ()


def read(text: str) -> Reading:
    """Read a whole file; what is wrong is in `faults`, never raised."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT_LINE.search(str(error))
        line = int(at["line"]) if at else len(text.splitlines())
        return Reading({}, (Fault(line, "", f"It is no TOML: {error}."),))
    lines = [text.count("\n", 0, match.start()) + 1 for match in _TABLE.finditer(text)]
    faults = [
        Fault(0, "", f"It holds {key!r}; only [[model]] tables are read.")
        for key in document
        if key != "model"
    ]
    tables = document.get("model", [])
    if not isinstance(tables, list):
        return Reading({}, (*faults, Fault(0, "", "Entries begin with [[model]].")))
    # tables written inline have no heading to count
    known = lines if len(lines) == len(tables) else [0] * len(tables)
    return _collected(tables, known, faults)


def _collected(tables: list[Any], lines: list[int], faults: list[Fault]) -> Reading:
    entries: dict[str, Entry] = {}
    taken: dict[str, str] = {}
    for table, line in zip(tables, lines, strict=True):
        alias = table.get("alias") if isinstance(table, dict) else None
        found = _entry(table)
        if isinstance(found, Entry):
            double = next((name for name in found.names if name in taken), None)
            if double is None:
                taken |= dict.fromkeys(found.names, found.alias)
                entries[found.alias] = found
                continue
            found = f"The name {double!r} already belongs to {taken[double]}."
        faults.append(Fault(line, alias if isinstance(alias, str) else "", found))
    return Reading(entries, tuple(faults))


def _entry(table: Any) -> Entry | str:
    """Return the entry, or what is wrong with it."""
    try:
        entry = msgspec.convert(table, Entry)
    except msgspec.ValidationError as error:
        return f"{error}."
    sampling = table.get("sampling", {})
    # the struct is shared with manifests, which must take fields of newer versions; a typing
    # mistake in a catalogue is better refused
    unknown = sorted(set(sampling) - set(SamplingDefaults.__struct_fields__))
    if unknown:
        return f"sampling has no {unknown[0]!r}."
    return " ".join(flaws(entry)) or entry
