"""What is known of a file that is not complete yet, as text beside it: a line that says which
version of which file it is, then one line for each thing that happened.

Lines are only appended, so a kill loses none that was written; whatever stands behind a line that
cannot be read is not believed. After the machine itself went down the system may have kept the
journal and lost the bytes: then only what `marks` prove is believed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

import msgspec

from llmd.models.sources.transfer.spans import Spans

SUFFIX = ".llmd.journal"
_CAME, _LOST, _MARK = b"+", b"-", b"#"
_BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")


class Identity(msgspec.Struct, frozen=True):
    """Which version of a file."""

    size: int
    sha256: str = ""
    etag: str = ""

    def same(self, other: Identity) -> bool:
        """Whether bytes of the one can be used for the other; without a digest or a version they
        cannot.
        """
        if self.size != other.size or not self.size:
            return False
        if self.sha256 and other.sha256:
            return self.sha256 == other.sha256
        return bool(self.etag) and self.etag == other.etag


class _Head(msgspec.Struct, frozen=True):
    identity: Identity
    boot: str
    format: int = 1


@dataclass(slots=True)
class Known:
    """What a journal says."""

    identity: Identity
    spans: Spans = field(default_factory=Spans)
    marks: dict[int, str] = field(default_factory=dict)
    """SHA-256 of all bytes up to a position, by position."""
    rebooted: bool = False
    """Whether the machine was started anew since."""

    def trust_marks_alone(self) -> None:
        """Forget bytes that no mark covers."""
        proven = max((end for end in self.marks if end <= self.spans.reach(0)), default=0)
        self.spans = Spans([(0, proven)])


class Journal:
    """The open journal of one file; whoever writes holds the lock of the file itself."""

    def __init__(self, path: Path, known: Known) -> None:
        self._path = path
        self._descriptor = -1
        self.rewrite(known)

    def rewrite(self, known: Known) -> None:
        """Write it anew and short; it is whole at any moment."""
        head = msgspec.json.encode(_Head(known.identity, _boot()))
        lines = [head, *(_span(_CAME, start, end) for start, end in known.spans)]
        lines += [_mark(end, digest) for end, digest in known.marks.items()]
        temporary = self._path.with_name(f"{self._path.name}.new")
        temporary.write_bytes(b"\n".join(lines) + b"\n")
        temporary.replace(self._path)
        self.close()
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def came(self, start: int, end: int) -> None:
        """Note bytes that are there."""
        self._append(_span(_CAME, start, end))

    def lost(self, start: int, end: int) -> None:
        """Note bytes that turned out to be damaged."""
        self._append(_span(_LOST, start, end))

    def mark(self, end: int, digest: str) -> None:
        """Note the digest of everything up to a position."""
        self._append(_mark(end, digest))

    def remove(self) -> None:
        """Delete it."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close it; it stays on disk."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> None:
        os.write(self._descriptor, line + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(path: Path) -> Known | None:
    """Return what the journal at `path` says; None: there is none, or not even its head is
    readable.
    """
    try:
        first, *lines = path.read_bytes().split(b"\n")[:-1]
        head = msgspec.json.decode(first, type=_Head)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    known = Known(head.identity, rebooted=head.boot != _boot())
    for kind, position, rest in _readable(lines):
        if kind == _MARK:
            known.marks[position] = rest.decode()
        elif kind == _CAME:
            known.spans.add(position, int(rest))
        else:
            known.spans.remove(position, int(rest))
    return known


def _readable(lines: list[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    for line in lines:
        parts = line.split(b" ")
        fine = len(parts) == len(("kind", "position", "rest")) and parts[1].isdigit()
        if not fine or not (_is_digest(parts[2]) if parts[0] == _MARK else parts[2].isdigit()):
            return
        yield parts[0], int(parts[1]), parts[2]


def _is_digest(text: bytes) -> bool:
    return len(text) == 64 and all(letter in b"0123456789abcdef" for letter in text)  # noqa: PLR2004  hexadecimal SHA-256


def _span(kind: bytes, start: int, end: int) -> bytes:
    return b"%b %d %d" % (kind, start, end)


def _mark(end: int, digest: str) -> bytes:
    return b"%b %d %b" % (_MARK, end, digest.encode())


@cache
def _boot() -> str:
    """Name this run of the machine; where it has no name, all are taken for one."""
    try:
        return _BOOT_FILE.read_text().strip()
    except OSError:
        return ""
