"""Reads a model once: headers of all parts and what follows from them, kept for as long as the
files stay as they are.

Blocks on the disk, some 20 ms for a large vocabulary: the daemon calls it in threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from llmd.errors import CorruptFile, NotFound
from llmd.models.gguf.derivation import facts_of
from llmd.models.gguf.description import Description, describe
from llmd.models.gguf.facts import Facts
from llmd.models.gguf.header import Header, read_header
from llmd.models.gguf.parts import check_readable, parts

_KEPT = 64

_Stamp = tuple[Path, int, int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the headers of a model tell."""

    files: tuple[Path, ...]
    """All parts in order; one for a file that is not split."""
    headers: tuple[Header, ...]
    facts: Facts
    description: Description

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(header.file_size for header in self.headers)


def read_model(path: Path) -> Reading:
    """Read a GGUF file of any sort, with all its parts.

    Raises NotFound for a path that is no readable file, CorruptFile for a damaged or incomplete
    one.
    """
    stamps = tuple(_stamp(file) for file in parts(path))
    return _read(stamps)


@lru_cache(_KEPT)
def _read(stamps: tuple[_Stamp, ...]) -> Reading:
    files = tuple(stamp[0] for stamp in stamps)
    headers = tuple(_complete(file) for file in files)
    path = files[0]
    if tuple(_stamp(file) for file in files) != stamps:
        raise CorruptFile(
            f"{path} changed while it was read.", hint="Wait until it is complete.", path=str(path)
        )
    try:
        return Reading(files, headers, facts_of(headers), describe(headers, path))
    except CorruptFile as error:
        raise CorruptFile(
            f"{path} is not a usable GGUF file: {error.message}.",
            hint=error.hint or "Fetch the file again.",
            path=str(path),
        ) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error


def _stamp(file: Path) -> _Stamp:
    """Return what changes when a file does."""
    check_readable(file)
    try:
        found = file.stat()
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}.") from error
    return (file, found.st_mtime_ns, found.st_size, found.st_ino)


def _complete(file: Path) -> Header:
    try:
        header = read_header(file)
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}.") from error
    if header.needed_size > header.file_size:
        raise CorruptFile(
            f"{file} is truncated: {header.file_size} of {header.needed_size} bytes are there.",
            hint="Fetch the file again.",
            path=str(file),
            present=header.file_size,
            needed=header.needed_size,
        )
    return header
