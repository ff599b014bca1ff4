"""The daemon's log file, read directly, so that it can be read when the daemon is down."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

_WIDTH = 8


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
    details: str = ""
    """`key=value` of all else."""
    trace: str = ""
    """A traceback, in several lines."""

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

    def __init__(self, lines: list[str], end: tuple[int, int]) -> None:
        self.lines = lines
        self.end = end


def tail(path: Path, number: int) -> Tail:
    """Return the last lines; those of the rotated file before it fill up what is missing."""
    lines: deque[str] = deque(maxlen=number)
    end = (0, 0)
    for part in (path.with_name(f"{path.name}.1"), path):
        try:
            with part.open("rb") as file:
                lines.extend(_text(raw) for raw in _complete(file))
                end = (os.fstat(file.fileno()).st_ino, file.tell())
        except FileNotFoundError:
            continue
    return Tail(list(lines), end)


class Follower:
    """Reads what is written to a log after `end` (inode and offset), rotation included; close it.

    It asks for nothing and waits for nothing: `read` it as often as the lines are wanted.
    """

    def __init__(self, path: Path, end: tuple[int, int]) -> None:
        self._path = path
        self._inode, self._offset = end
        self._file: IO[bytes] | None = None

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
            self._file, self._inode = None, 0

    def _open(self) -> bool:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return False
            if os.fstat(self._file.fileno()).st_ino == self._inode:
                self._file.seek(self._offset)
        return True


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
    except msgspec.DecodeError:
        return Entry(raw=line, event=line)
    time, level, logger, event, trace = (
        str(found.pop(key, "")) for key in ("timestamp", "level", "logger", "event", "exception")
    )
    rest = " ".join(f"{key}={value}" for key, value in found.items())
    return Entry(
        raw=line, time=time, level=level, logger=logger, event=event, details=rest, trace=trace
    )
