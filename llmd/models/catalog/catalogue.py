"""The catalogue in use: the entries that come with llmd, and the user's own, which win."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from llmd.models.catalog.entry import Entry
from llmd.models.catalog.reading import Fault, Reading, read
from llmd.models.names import near_misses

_Signature = tuple[int, int]
_LARGEST = 4 * 2**20
_NOTHING = Reading({})


@dataclass(frozen=True, slots=True)
class _Joined:
    """Both files together."""

    own: Reading
    entries: dict[str, Entry]
    by_name: dict[str, Entry]


@cache
def builtin() -> MappingProxyType[str, Entry]:
    """Return the entries that come with llmd by alias, in the order of the file."""
    text = files("llmd.models").joinpath("catalog.toml").read_text(encoding="utf-8")
    return MappingProxyType(read(text).entries)


def _join(own: Reading) -> _Joined:
    mine = {name: entry for entry in own.entries.values() for name in entry.names}
    kept = {alias: entry for alias, entry in builtin().items() if alias not in mine}
    theirs = {name: entry for entry in kept.values() for name in entry.names}
    return _Joined(own, {**own.entries, **kept}, {**mine, **theirs, **mine})


class Catalogue:
    """The built-in entries and those of the file `own`, which is read again when it changes. May
    be used from several threads.
    """

    def __init__(self, own: Path | None = None) -> None:
        self._own = own
        self._read: tuple[_Signature | None, Reading] = (None, _NOTHING)
        self._joined = _join(_NOTHING)

    def entries(self) -> dict[str, Entry]:
        """Return all entries by alias: the user's first. One of them hides the built-in one whose
        alias it goes by.
        """
        return dict(self._all().entries)

    def own(self) -> dict[str, Entry]:
        """Return the user's entries by alias."""
        return self._reading().entries

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with the user's file."""
        return self._reading().faults

    def find(self, name: str) -> Entry | None:
        """Return the entry that goes by a name, `NAME:TAG` included, whatever its case."""
        return self._all().by_name.get(name.casefold())

    def near(self, name: str, others: Iterable[str] = (), limit: int = 3) -> list[str]:
        """Return names like this one, of entries (one each) and `others`, the most alike first."""
        owner = {known: entry.alias for known, entry in self._all().by_name.items()}
        owner |= {other: other for other in others}
        closest: dict[str, str] = {}
        for known in near_misses(name, owner, limit=len(owner)):
            closest.setdefault(owner[known], known)
        return list(closest.values())[:limit]

    def _all(self) -> _Joined:
        reading = self._reading()
        joined = self._joined
        if joined.own is not reading:
            joined = self._joined = _join(reading)
        return joined

    def _reading(self) -> Reading:
        signature = _signature(self._own)
        known, reading = self._read
        if self._own is None or signature is None:
            return _NOTHING
        if signature == known:
            return reading
        reading = _read_file(self._own)
        self._read = (signature, reading)
        return reading


def _signature(path: Path | None) -> _Signature | None:
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if status else None


def _read_file(path: Path) -> Reading:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        return Reading({}, (Fault(0, "", f"It cannot be read: {error.strerror or error}."),))
    if len(content) > _LARGEST:
        return Reading({}, (Fault(0, "", f"It is larger than {_LARGEST} bytes."),))
    try:
        return read(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Reading({}, (Fault(line, "", "It is not UTF-8."),))
