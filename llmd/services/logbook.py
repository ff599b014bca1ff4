"""The daemon's own log, for those who may read it on a page.

Each watcher reads the file at its own pace: a slow one holds up nobody, and nothing is read while
nobody watches. Files are touched in threads alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import msgspec

from llmd.errors import Draining, NotFound
from llmd.telemetry.log_file import Entry, Follower, Place, behind, entry, tail

_PAUSE = 0.5
_AT_ONCE = 500
_MOST = 4 * 2**20
"""Bytes of older lines that a page gets: what it missed beyond these it had better not be told."""


class Batch(msgspec.Struct, frozen=True):
    """Some lines of the log."""

    entries: list[Entry]
    place: Place
    """Where they end: one who comes back goes on behind it."""
    fresh: bool = False
    """Whether they stand for themselves: what was told before does not lead up to them."""


class LogFile(msgspec.Struct, frozen=True):
    """A file of the log, the present one or one that was rotated away."""

    name: str
    size: int
    written: float
    """When last, in seconds since the epoch."""


class Logbook:
    """Reads the log, and follows it."""

    def __init__(self, path: Path, pause: float = _PAUSE) -> None:
        """Look for new lines every `pause` seconds while somebody watches."""
        self._path = path
        self._pause = pause
        self._over = asyncio.Event()

    async def watch(self, lines: int, after: Place | None = None) -> AsyncGenerator[Batch]:
        """Yield the last lines, or those `after` a place that is not too long ago, then what is
        written. It ends with the daemon; raises Draining when it has ended before.
        """
        if self._over.is_set():
            raise Draining("llmd is shutting down.", hint="Try again once it is back.")
        place = after
        if place is None or not await asyncio.to_thread(_near, self._path, place):
            first = await asyncio.to_thread(_first, self._path, lines)
            place = first.place
            yield first
        follower = Follower(self._path, place)
        reading: asyncio.Future[Batch] | None = None
        try:
            while not self._over.is_set():
                reading = asyncio.ensure_future(asyncio.to_thread(_next, follower))
                batch = await asyncio.shield(reading)
                if batch.entries:
                    yield batch
                else:
                    await self._wait()
        finally:
            # a thread cannot be called off: it has the file until it is done
            if reading and not reading.done():
                await asyncio.wait([reading])
            follower.close()

    async def files(self) -> list[LogFile]:
        """Return the files there are, newest first."""
        return await asyncio.to_thread(_files, self._path)

    async def find(self, name: str) -> Path:
        """Return where a file of the log lies; raise NotFound."""
        if name not in {file.name for file in await self.files()}:
            raise NotFound(f"There is no log {name[:100]!r}.", hint="Load the page again.")
        return self._path.with_name(name)

    def close(self) -> None:
        """Let all watchers go."""
        self._over.set()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self._pause)


def _near(path: Path, place: Place) -> bool:
    missed = behind(path, place)
    return missed is not None and missed <= _MOST


def _first(path: Path, lines: int) -> Batch:
    found = tail(path, lines, _MOST)
    return Batch([entry(line) for line in found.lines], found.end, fresh=True)


def _next(follower: Follower) -> Batch:
    lines = follower.take(_AT_ONCE)
    return Batch([entry(line) for line in lines], follower.place)


def _files(path: Path) -> list[LogFile]:
    ours = re.compile(re.escape(path.name) + r"(?:\.\d{1,4})?")
    found = []
    with suppress(FileNotFoundError):
        for one in path.parent.iterdir():
            if ours.fullmatch(one.name):
                with suppress(FileNotFoundError):  # rotated away meanwhile
                    seen = one.stat()
                    found.append(LogFile(one.name, seen.st_size, seen.st_mtime))
    return sorted(found, key=_age)


def _age(file: LogFile) -> int:
    return int(file.name.rpartition(".")[2]) if file.name[-1].isdigit() else 0
