"""The daemon's log file, read by whoever shows it: the commands and the terminal interface, which
do without the daemon, and the daemon itself for its pages.

Only the end of a file is read, and no file is held open longer than somebody follows it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

_WIDTH = 8
_BLOCK = 1 << 16
_MOST = 64 * 2**20

Place = tuple[int, int]
"""Inode of a log file, and an offset in it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log; what it does not say is empty."""

    raw: str
    """As it stands in the file, JSON."""
    time: str = ""
    """ISO 8601, UTC."""
    level: str = ""
    """`debug`, `info`, `warning`, `error` or `critical`."""
    logger: str = ""
    event: str
    """What happened; of a line that is no JSON object, all of it."""
    fields: tuple[tuple[str, str], ...] = ()
    """Names and values of all else."""
    trace: str = ""
    """A traceback, in several lines."""

    @property
    def details(self) -> str:
        """Return the fields as `key=value`."""
        return " ".join(f"{key}={value}" for key, value in self.fields)

    @property
    def text(self) -> str:
        """Return `time level logger: event key=value`, with a traceback in lines of its own."""
        if not self.logger and not self.time and not self.level:
            said = self.event
        else:
            head = f"{self.time} {self.level.ljust(_WIDTH)}{self.logger}"
            said = f"{head}: {self.event} {self.details}".rstrip()
        return f"{said}\n{self.trace}" if self.trace else said


class Tail:
    """The last lines of a log, and the file and place where they end."""

    def __init__(self, lines: list[str], end: Place) -> None:
        self.lines = lines
        self.end = end


def rotated(path: Path) -> Path:
    """Return where the file lies that a log was before this one."""
    return path.with_name(f"{path.name}.1")


def tail(path: Path, number: int, most: int = _MOST) -> Tail:
    """Return the last lines, of at most so many bytes; those of the rotated file before it fill up
    what is missing.
    """
    lines: list[str] = []
    end: Place = (0, 0)
    for part in (path, rotated(path)):
        with suppress(FileNotFoundError), part.open("rb") as file:
            found, offset = _last(file, number - len(lines), most)
            most -= sum(map(len, found))
            lines = [*map(_text, found), *lines]
            end = end if end[0] else (os.fstat(file.fileno()).st_ino, offset)
        if len(lines) >= number or most <= 0:
            break
    return Tail(lines, end)


def behind(path: Path, place: Place) -> int | None:
    """Return how many bytes were written since a place; None: nobody knows any more."""
    newer = 0
    for part in (path, rotated(path)):
        with suppress(FileNotFoundError):
            found = part.stat()
            if found.st_ino == place[0]:
                return newer + found.st_size - place[1] if place[1] <= found.st_size else None
            newer += found.st_size
    return None


class Follower:
    """Reads what is written to a log after a place, rotation included; close it.

    It asks for nothing and waits for nothing: `read` it as often as the lines are wanted.
    """

    def __init__(self, path: Path, end: Place) -> None:
        self._path = path
        self._inode, self._offset = end
        self._file: IO[bytes] | None = None

    @property
    def place(self) -> Place:
        """How far it has read."""
        if self._file is None:
            return self._inode, self._offset
        return os.fstat(self._file.fileno()).st_ino, self._file.tell()

    def take(self, most: int) -> list[str]:
        """Return the next whole lines, of those that were written since."""
        return list(islice(self.read(), most))

    def read(self) -> Iterator[str]:
        """Yield the whole lines that were written since."""
        while self._open() and (file := self._file):
            replaced = _replaced(self._path, file)
            # what was written between the last look and the rotation is still in the old file
            yield from map(_text, _complete(file))
            if not replaced:
                return
            self.close()

    def close(self) -> None:
        """Let the file go."""
        if self._file:
            self._file.close()
            self._file, self._inode, self._offset = None, 0, 0

    def _open(self) -> bool:
        if self._file is None:
            self._file = self._same(rotated(self._path)) or self._same(self._path)
        if self._file is None:
            with suppress(FileNotFoundError):
                self._file = self._path.open("rb")
        return self._file is not None

    def _same(self, path: Path) -> IO[bytes] | None:
        """Open a file if it is the one that was read last, at the place where that ended."""
        with suppress(FileNotFoundError):
            if self._inode and path.stat().st_ino == self._inode:
                file = path.open("rb")
                file.seek(self._offset)
                return file
        return None


def _last(file: IO[bytes], number: int, most: int) -> tuple[list[bytes], int]:
    """Return the last whole lines, read from the end backwards, and where they end."""
    size = start = file.seek(0, os.SEEK_END)
    blocks: list[bytes] = []
    ends = 0
    while start and ends <= number and size - start < most:
        step = min(_BLOCK, start)
        start -= step
        file.seek(start)
        blocks.append(file.read(step))
        ends += blocks[-1].count(b"\n")
    whole, end, _ = b"".join(reversed(blocks)).rpartition(b"\n")
    if not end:
        return [], size if start else 0
    lines = whole.split(b"\n")[1 if start else 0 :]
    return lines[max(0, len(lines) - number) :], start + len(whole) + 1


def _complete(file: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines; a line that is still being written stays unread."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def _replaced(path: Path, file: IO[bytes]) -> bool:
    """Whether the name now stands for another file; one that was emptied is read from its start."""
    ours = os.fstat(file.fileno())
    try:
        current = path.stat()
    except FileNotFoundError:
        return False  # in the middle of a rotation
    if current.st_ino != ours.st_ino:
        return True
    if current.st_size < file.tell():
        file.seek(0)
    return False


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\n")


def entry(line: str) -> Entry:
    """Read a line; one that is no JSON object stays as it is."""
    try:
        found = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return Entry(raw=line, event=line)
    time, level, logger, event, trace = (
        str(found.pop(key, "")) for key in ("timestamp", "level", "logger", "event", "exception")
    )
    rest = tuple((key, str(value)) for key, value in found.items())
    return Entry(
        raw=line, time=time, level=level, logger=logger, event=event, fields=rest, trace=trace
    )
