"""What a transfer is given and what it gives back, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Remote:
    """One file on a server."""

    url: str
    name: str
    """What progress and errors call it."""
    size: int = 0
    """Bytes; 0: not known."""
    sha256: str = ""
    """Of the content, lower-case hexadecimal; empty: not known. What is known is enforced."""
    etag: str = ""
    """Its version (a strong ETag or a Last-Modified); empty: not known."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent to the URL's own host alone, never where that redirects to."""
    magic: bytes = GGUF_MAGIC
    """What the content begins with; empty: anything."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there, whole and under its name."""

    path: Path
    size: int
    sha256: str
    """Empty: it was there already, and nobody said which digest it has."""
    fresh: bool
    """Whether anything had to be fetched."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A small answer, whole in memory."""

    status: int
    url: str
    """Where redirects led."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
