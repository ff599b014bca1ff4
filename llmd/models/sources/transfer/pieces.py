"""What is kept of a finished transfer: marks by which a damaged piece is found, and where it came
from, so that only that piece is fetched again.

One JSON file for each content, named by its SHA-256, readable by the owner alone: an address may
hold a secret.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec


class Record(msgspec.Struct, frozen=True):
    """Of one file."""

    sha256: str
    size: int
    url: str
    """Where it can be fetched from again."""
    source: str
    """The program that fetched it, such as `huggingface`: it knows what to send along."""
    marks: dict[int, str] = {}
    """SHA-256 of everything up to a position, by position; the last one is the size."""
    inode: int = 0
    """Of the file when it got its name, with `changed` to know it by."""
    changed: int = 0
    """When its content last changed, nanoseconds since the epoch."""
    format: int = 1


def keep(folder: Path, record: Record) -> None:
    """Write a record, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=folder)  # made 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(record))
    Path(temporary).replace(_path(folder, record.sha256))


def find(folder: Path, sha256: str) -> Record | None:
    """Return the record of a content, or None where there is none that can be read."""
    try:
        record = msgspec.json.decode(_path(folder, sha256).read_bytes(), type=Record)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return record if record.sha256 == sha256 else None


def find_from(folder: Path | None, url: str, size: int) -> str:
    """Return the SHA-256 of a file of this size that came from an address; empty: not known."""
    for path in folder.glob("*.json") if folder else ():
        record = find(path.parent, path.stem)
        if record is not None and (record.url, record.size) == (url, size):
            return record.sha256
    return ""


def fetched_here(folder: Path | None, sha256: str, path: Path) -> bool:
    """Whether a file is the very one that was fetched, and not another tool's with that content."""
    record = find(folder, sha256) if folder and sha256 else None
    try:
        status = path.stat()
    except OSError:
        return False
    return record is not None and (record.inode, record.changed) == (
        status.st_ino,
        status.st_mtime_ns,
    )


def forget(folder: Path, sha256: str) -> None:
    """Delete the record of a content, if there is one."""
    _path(folder, sha256).unlink(missing_ok=True)


def _path(folder: Path, sha256: str) -> Path:
    return folder / f"{Path(sha256).name}.json"
