"""What a source program writes, one JSON object a line: any number of `Progress`, then one
`Fetched` or `Failed`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is."""

    status: str
    """`resolving`, `downloading` or `verifying`."""
    file: str = ""
    done: int = 0
    """Bytes that are there, earlier attempts included."""
    total: int = 0
    """Bytes of all files; 0: not known yet."""


class Fetched(msgspec.Struct, frozen=True, tag="fetched"):
    """All files are there and whole."""

    files: list[str]
    """Absolute paths, parts in order."""
    repo: str
    revision: str
    selector: str
    """Names these files within the repository: a quantisation where that is unambiguous, else a
    file.
    """
    fresh: bool
    """Whether anything had to be fetched; False: another tool, or an earlier pull, had left all of
    it in the cache.
    """
    projector: str = ""
    """Absolute path of the mmproj file that goes with it; empty: there is none."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It could not be done; `error` is an LlmdError's wire form."""

    error: dict[str, Any]


Line = Progress | Fetched | Failed
