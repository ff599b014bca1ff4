"""Scripts, styles and pictures of the pages, from the package, small enough to lie in memory.

Their path has a hash of them all in it, so browsers keep them for ever and never use stale ones;
modules that import each other by relative paths stay within one version.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

_ROOT = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_FEWEST = 1024
"""Bytes below which packing gains nothing."""


class File(msgspec.Struct, frozen=True):
    """One file."""

    kind: str
    """Its media type."""
    body: bytes
    packed: bytes = b""
    """The same, gzipped; empty: it is not worth it."""


class Files:
    """All files, read from the disk when made."""

    def __init__(self, root: Path = _ROOT) -> None:
        self._files = {
            path.relative_to(root).as_posix(): _read(path)
            for path in sorted(root.rglob("*"))
            if path.suffix in _TYPES
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(name.encode() + b"\0" + file.body)
        self.version = digest.hexdigest()[:12]

    @property
    def names(self) -> Sequence[str]:
        """All that there is, in order."""
        return [*self._files]

    def get(self, name: str) -> File | None:
        """Return a file by its path below `static`."""
        return self._files.get(name)

    def url(self, name: str) -> str:
        """Return where a page finds a file; raise KeyError when there is none."""
        if name not in self._files:
            raise KeyError(name)
        return f"/web/files/{self.version}/{name}"


def _read(path: Path) -> File:
    body, kind = path.read_bytes(), _TYPES[path.suffix]
    packed = gzip.compress(body, 9, mtime=0) if len(body) >= _FEWEST else b""
    return File(kind, body, packed if len(packed) < len(body) else b"")
