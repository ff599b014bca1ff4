"""`llmd logs`: the daemon's log file, read directly, so that it works when the daemon does not."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

_POLL = 0.2
_WIDTH = 8


def logs(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the last lines to show.")
    ] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines are written.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the lines as they are, JSON.")
    ] = False,
) -> None:
    """Show the daemon's log."""
    from llmd.config.paths import find_paths
    from llmd.errors import NotFound

    path = find_paths().log_file
    if not path.exists() and not follow:
        raise NotFound(
            f"There is no log yet at {path}.", hint="The daemon writes it: `llmd start`."
        )
    shown = tail(path, lines)
    for line in shown.lines:
        typer.echo(line if as_json else readable(line))
    if follow:
        for line in grow(path, shown.end, time.sleep):
            typer.echo(line if as_json else readable(line))
            sys.stdout.flush()


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


def _complete(file: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines; a line that is still being written stays unread."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def grow(path: Path, end: tuple[int, int], wait: Callable[[float], object]) -> Iterator[str]:
    """Yield lines as they are written after `end` (inode and offset), for ever, rotation
    included.
    """
    inode, offset = end
    while True:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            wait(_POLL)
            continue
        with file:
            if os.fstat(file.fileno()).st_ino == inode:
                file.seek(offset)
            while not _replaced(path, file):
                yield from map(_text, _complete(file))
                wait(_POLL)
            yield from map(_text, _complete(file))  # written between the last look and the rotation
        inode = 0


def _replaced(path: Path, file: IO[bytes]) -> bool:
    """Whether the name now stands for another file, or the file was emptied."""
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


def readable(line: str) -> str:
    """Return a JSON log line as `time level logger event key=value`; other lines as they are."""
    import msgspec

    try:
        entry = msgspec.json.decode(line, type=dict[str, object])
    except msgspec.DecodeError:
        return line
    known = [str(entry.pop(key, "")) for key in ("timestamp", "level", "logger", "event")]
    trace = entry.pop("exception", None)
    rest = " ".join(f"{key}={value}" for key, value in entry.items())
    first = f"{known[0]} {known[1].ljust(_WIDTH)}{known[2]}: {known[3]} {rest}".rstrip()
    return f"{first}\n{trace}" if trace else first
