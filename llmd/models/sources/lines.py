"""What a source program writes, one JSON object a line: any number of `Progress`, perhaps a
`Named`, then one `Fetched` or `Failed`. What the daemon writes back meanwhile: `Pace`, and `Go`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from llmd.protocol.models import Preset
from llmd.protocol.placement import LoadOptions

TERMS = "LLMD_TRANSFER_TERMS"


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is."""

    status: str
    """`resolving`, `downloading`, `verifying` or `waiting` (another process fetches the file); of a
    program that only looks, `found`, and `room` once it is known that the disk has room.
    """
    file: str = ""
    done: int = 0
    """Bytes that are there, earlier attempts included."""
    total: int = 0
    """Bytes of all files; 0: not known yet."""
    note: str = ""
    """What is unusual just now, as a sentence: a retry, a file that changed, a wait."""


class Named(msgspec.Struct, frozen=True, tag="named"):
    """What is about to be fetched, where a program knows before: `name` and `source` as `Fetched`
    will have them. Where `Terms.asks` is set it goes on with the daemon's `Go`.
    """

    name: str
    source: str
    path: str = ""
    """Of the first file, where it is going to lie or does; empty: not known yet."""


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
    name: str = ""
    """What the model is to be called; empty: `repo:selector`."""
    source: str = ""
    """Where it came from, as a manifest says it and `llmd pull` understands it."""
    digests: dict[str, str] = {}
    """SHA-256 of the files by absolute path, as far as they are known."""
    preset: Preset = Preset()
    options: LoadOptions = LoadOptions()
    adapters: list[str] = []
    """Absolute paths of LoRA adapters that act on it."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It could not be done; `error` is an LlmdError's wire form."""

    error: dict[str, Any]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon allows a source program, in the environment variable TERMS as JSON."""

    connections: int = 4
    """Most connections for one file."""
    stall_timeout: float = 30.0
    """Seconds without a byte after which a connection is given up."""
    limit: int = 0
    """Bytes per second to begin with; 0: as quickly as it can."""
    look: bool = False
    """Whether to find out what there is, how large it is and whether it fits, and fetch nothing."""
    asks: bool = False
    """Whether to wait for a word of the daemon after `Named`."""
    records: str = ""
    """Folder for the digests of pieces, by which damage is mended later; empty: none are kept."""

    @property
    def records_folder(self) -> Path | None:
        """Return `records` as a path."""
        return Path(self.records) if self.records else None


class Pace(msgspec.Struct, frozen=True, tag="pace"):
    """How quickly the program may go from now on; a line on its standard input."""

    limit: int = 0
    """Bytes per second; 0: as quickly as it can."""


class Go(msgspec.Struct, frozen=True, tag="go"):
    """What was named may be fetched; a line on the program's standard input."""


Told = Pace | Go
Said = Progress | Named | Fetched
Line = Said | Failed
