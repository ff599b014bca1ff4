"""The cache files of one model: saved, found and loaded, and never in anybody's way.

Whatever is wrong with the disk or a file is told once to `complain`, and the text in question is
computed again. May be used from several threads: saving a large state takes seconds, and can be
left to one of its own.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmd.engine.cache_files.directory import Directory
from llmd.engine.cache_files.format import encode, read_header, read_snapshot
from llmd.engine.cache_files.index import Entry, Index
from llmd.engine.cache_files.snapshot import Reach, Snapshot, packed
from llmd.errors import CorruptFile


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the cache files of all models together may take."""

    disk: int
    """Bytes of files."""
    spare: int = 1 << 30
    """Bytes to leave free on the disk."""
    tokens: int = 4 << 20
    """Tokens whose texts are kept in memory to be found, eight bytes each."""
    seconds: float = 2.0
    """To look through the directory at a time; the files used last come first."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that saves computing the first `length` tokens of a prompt."""

    entry: Entry
    length: int


class CacheFiles:
    """The files below `directory` that a context of this fingerprint can read."""

    def __init__(
        self, directory: Path, fingerprint: str, bounds: Bounds, complain: Callable[[str], None]
    ) -> None:
        self._fingerprint = fingerprint
        self._bounds = bounds
        self._complain = complain
        self._said: set[str] = set()
        self._directory = Directory(directory, limit=bounds.disk, spare=bounds.spare)
        self._index = Index()
        self._lock = threading.RLock()
        self._seen = 0
        try:
            self._directory.prepare()
        except OSError as error:
            self._say(f"The directory for cache files cannot be used: {error}")

    def save(self, snapshot: Snapshot, adapters: str = "") -> bool:
        """Put a snapshot on the disk, unless what is there is as good; say whether it is there.

        `adapters` names what else the state depends on: files and scales of LoRA adapters.
        """
        text = packed(snapshot.tokens)
        points = tuple(point.length for point in snapshot.checkpoints)
        reach = Reach(len(snapshot.tokens), snapshot.floor, points)
        entry = Entry(self._name(text, adapters), adapters, text, reach)
        try:
            if self._covered(entry):
                return True
            content = encode(snapshot, self._fingerprint, adapters)
            with self._lock:
                if not self._directory.make_room(content.nbytes):
                    self._say("There is no room on the disk for warm prefixes.")
                    return False
            self._directory.write(entry.name, content)
            self._replace(entry)
        except OSError as error:
            self._say(f"A warm prefix could not be saved: {error.strerror}")
            return False
        return True

    def best(
        self, tokens: Sequence[int], adapters: str = "", *, beyond: int = 0, room: int = 1 << 62
    ) -> Found | None:
        """Return the file that saves most of `tokens`, if it saves more than `beyond` of them and
        holds no more than `room`: it is loaded whole, and cut back afterwards.

        A model has to decode at least one token: leave the last one of a prompt out.
        """
        if len(tokens) <= beyond:
            return None
        with self._lock:
            self._refresh()
            found = self._index.best(packed(tokens), adapters, room) if len(self._index) else None
        return Found(*found) if found and found[1] > beyond else None

    def load(self, found: Found) -> Snapshot | None:
        """Return what a file holds; None when it is gone or damaged, and then it is not found
        again.
        """
        name = found.entry.name
        try:
            snapshot = self._read(found.entry)
            self._directory.touch(name)
        except CorruptFile as error:
            self._drop(name)
            self._complain(str(error))
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._say(f"A warm prefix could not be read: {error.strerror}")
        else:
            return snapshot
        with self._lock:
            self._index.discard(name)
        return None

    def _read(self, entry: Entry) -> Snapshot:
        descriptor = self._directory.open(entry.name)
        try:
            header = read_header(descriptor)
            known = (header.fingerprint, header.adapters, header.tokens)
            if known != (self._fingerprint, entry.adapters, entry.text):
                raise CorruptFile("A cache file holds another text than its name says.")
            return read_snapshot(descriptor, header)
        finally:
            os.close(descriptor)

    def _covered(self, entry: Entry) -> bool:
        with self._lock:
            self._refresh()
            for other in list(self._index.extensions(entry.text, entry.adapters)):
                if other.reach.covers(entry.reach) and self._directory.touch(other.name):
                    return True
        return False

    def _replace(self, entry: Entry) -> None:
        """Take a new file in, and remove those that it makes needless."""
        with self._lock:
            self._index.add(entry)
            for other in list(self._index.prefixes(entry.text, entry.adapters)):
                if other is not entry and entry.reach.covers(other.reach):
                    self._drop(other.name)
                    self._index.discard(other.name)
            files = self._directory.files(self._fingerprint[:16])
            while self._index.tokens > self._bounds.tokens and files:
                self._index.discard(files.pop().name)

    def _refresh(self) -> None:
        """Learn what this and other workers have added and removed since the last look."""
        try:
            stamp = self._directory.stamp()
            if not stamp or stamp != self._seen:
                self._seen = stamp if self._look() else 0
        except OSError as error:
            self._say(f"The directory for cache files cannot be used: {error.strerror}")

    def _look(self) -> bool:
        """Read the headers of new files; say whether that was all of them."""
        names = [stored.name for stored in self._directory.files(self._fingerprint[:16])]
        for gone in self._index.names.difference(names):
            self._index.discard(gone)
        until = time.monotonic() + self._bounds.seconds
        for name in names:
            if name not in self._index:
                if self._index.tokens >= self._bounds.tokens:
                    return True
                if time.monotonic() >= until:
                    return False
                self._learn(name)
        return True

    def _learn(self, name: str) -> None:
        try:
            descriptor = self._directory.open(name)
        except OSError:  # gone again, or not ours to read
            return
        try:
            header = read_header(descriptor)
        except CorruptFile as error:
            self._drop(name)
            self._complain(str(error))
            return
        finally:
            os.close(descriptor)
        if header.fingerprint == self._fingerprint:
            self._index.add(Entry(name, header.adapters, header.tokens, header.reach))

    def _name(self, text: bytes, adapters: str) -> str:
        digest = hashlib.blake2b(adapters.encode() + b"\0" + text, digest_size=16)
        return self._directory.name(self._fingerprint[:16], digest.hexdigest())

    def _drop(self, name: str) -> None:
        try:
            self._directory.remove(name)
        except OSError as error:
            self._say(f"A cache file could not be removed: {error.strerror}")

    def _say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._complain(message)
