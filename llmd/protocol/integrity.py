"""What verifying models, measuring their disk use and clearing up report."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Health(StrEnum):
    """How a file stands."""

    OK = "ok"
    """Its digest is the one that is known of it."""
    RECORDED = "recorded"
    """Nobody knew its digest; its structure is whole, and the digest is kept from now on."""
    STRUCTURE = "structure"
    """Its structure is whole; there is no place to keep a digest."""
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREADABLE = "unreadable"


SOUND = frozenset({Health.OK, Health.RECORDED, Health.STRUCTURE})


class FileHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model."""

    path: str
    state: Health
    size: int = 0
    """Bytes."""
    sha256: str = ""
    expected: str = ""
    """The digest it should have; empty: not known."""
    damage: list[tuple[int, int]] = []
    """Where it differs: start and end, as far as that can be told. What stands behind the first
    difference is not judged.
    """
    reason: str = ""


class VerifyProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far reading is; sent about four times a second."""

    status: str = "verifying"
    """`verifying` or `repairing`."""
    model: str = ""
    file: str = ""
    done: int = 0
    """Bytes of all files that are checked."""
    total: int = 0
    rate: float = 0.0
    """Bytes per second, lately."""


class ModelHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One model."""

    name: str
    files: list[FileHealth]
    repaired: bool = False
    note: str = ""
    """Why it could not be repaired, or what to do."""

    @property
    def sound(self) -> bool:
        """Whether all of its files are."""
        return all(file.state in SOUND for file in self.files)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The end of verifying."""

    models: int
    damaged: list[str]
    """Names of those that are not sound."""


class ModelUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one model takes of the disk."""

    name: str
    size: int
    """Bytes of all its files, adapters included, as the disk holds them."""
    shared: int
    """Those of them that other models use too."""
    owned: bool
    """Whether llmd fetched the files and may delete them."""


class DiskRoom(msgspec.Struct, frozen=True, kw_only=True):
    """The disk that models are on, in bytes."""

    free: int = 0
    total: int = 0
    """0: not known yet."""


class DiskUse(msgspec.Struct, frozen=True, kw_only=True):
    """What llmd takes of the disk; every file counts once, however many names it has."""

    models: list[ModelUse]
    owned: int
    """Bytes of models that are llmd's."""
    foreign: int
    """Bytes of models that other tools or users own."""
    prefixes: int
    """Warm prefixes, see `cache.disk`."""
    partial: int
    """Downloads that are not complete."""
    logs: int
    records: int
    """Manifests and other small files."""
    garbage: int
    """What `llmd gc` would free; part of it is counted above."""
    free: int
    """Bytes free on the disk of llmd's models."""

    @property
    def total(self) -> int:
        """Bytes that are llmd's."""
        return self.owned + self.prefixes + self.partial + self.logs + self.records


class Litter(StrEnum):
    """Why a file can go."""

    ORPHAN = "orphan"
    """In a folder of llmd's, and no model has it."""
    TEMPORARY = "temporary"
    """Left by a process that was killed."""
    PARTIAL = "partial"
    """A download that nobody has gone on with for long."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One file that can go."""

    path: str
    size: int
    why: Litter


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What clearing up did, or would do."""

    pieces: list[Piece]
    freed: int
    """Bytes."""
    dry: bool
    """Whether nothing was deleted."""
    held: list[str] = []
    """Why some of it stays, as sentences."""
