"""Reads files of models whole and compares their digests, in steps short enough to be stopped
between two.

The system is asked to forget what it holds of a file first, so that the bytes come from the disk
and not from a memory that is still right. Where marks are known (`sources.transfer.pieces`: the
digest of everything up to a position), the first that differs tells where damage begins.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmd.errors import LlmdError
from llmd.models.gguf.header import read_header
from llmd.protocol.integrity import FileHealth, Health

PIECE = 16 * 2**20
"""Bytes between two marks that are kept."""
_BLOCK = 4 * 2**20
_STEP = 0.2


@dataclass(slots=True)
class Reader:
    """Reads one file; iterate over `run`, which yields the bytes read so far and returns how the
    file stands.
    """

    path: Path
    expected: str
    """Its digest; empty: not known."""
    known: Mapping[int, str] = field(default_factory=dict)
    """Digests of everything up to a position, by position."""
    marks: dict[int, str] = field(default_factory=dict)
    """The same, as they were found."""

    def run(self) -> Generator[int, None, FileHealth]:
        """Read; a file that cannot be opened is told so, not raised."""
        reason = _structure(self.path)
        try:
            with self.path.open("rb", buffering=0) as file:
                before = os.fstat(file.fileno())
                _from_disk(file.fileno())
                digest = yield from self._hashed(file.fileno())
                changed = _stamp(os.fstat(file.fileno())) != _stamp(before)
        except FileNotFoundError:
            return self._found(Health.MISSING, reason="it is not there")
        except OSError as error:  # a bad sector, for one
            where = max(self.marks, default=0)
            why = f"{error.strerror or error}, behind byte {where}"
            return self._found(Health.UNREADABLE, reason=why, damage=[(where, where + PIECE)])
        if changed:
            return self._found(Health.UNREADABLE, reason="it changed while it was read")
        return self._judged(digest, before.st_size, reason)

    def _hashed(self, descriptor: int) -> Generator[int, None, str]:
        hasher = hashlib.sha256()
        buffer = memoryview(bytearray(_BLOCK))
        position, said = 0, time.monotonic()
        while got := os.readv(descriptor, [buffer[: PIECE - position % PIECE]]):
            hasher.update(buffer[:got])
            position += got
            if position % PIECE == 0:
                self.marks[position] = hasher.hexdigest()
            if time.monotonic() - said >= _STEP:
                yield position
                said = time.monotonic()
        self.marks[position] = hasher.hexdigest()
        return hasher.hexdigest()

    def _judged(self, digest: str, size: int, reason: str) -> FileHealth:
        if self.expected and digest != self.expected:
            why = reason or "its digest is not the one that is known of it"
            return self._found(Health.DAMAGED, size, digest, why, self._damage(size))
        if reason and not self.expected:
            return self._found(Health.DAMAGED, size, digest, reason)
        return self._found(Health.OK if self.expected else Health.RECORDED, size, digest)

    def _damage(self, size: int) -> list[tuple[int, int]]:
        """Return where the first difference lies; nothing when no marks are known."""
        start = 0
        for position in sorted(self.known):
            if position > size:
                return [(min(start, size), max(self.known))]
            if position in self.marks and self.marks[position] != self.known[position]:
                return [(start, position)]
            if position in self.marks:
                start = position
        return []

    def _found(
        self,
        state: Health,
        size: int = 0,
        digest: str = "",
        reason: str = "",
        damage: list[tuple[int, int]] | None = None,
    ) -> FileHealth:
        return FileHealth(
            path=str(self.path),
            state=state,
            size=size,
            sha256=digest,
            expected=self.expected,
            damage=damage or [],
            reason=reason,
        )


def _structure(path: Path) -> str:
    """Return what is wrong with a file by its header alone; empty: nothing."""
    try:
        header = read_header(path)
    except LlmdError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)
    if header.needed_size > header.file_size:
        return f"{header.file_size} of {header.needed_size} bytes are there"
    return ""


def _from_disk(descriptor: int) -> None:
    if advise := getattr(os, "posix_fadvise", None):  # Linux; elsewhere memory may answer
        advise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        advise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
