"""The lines that a source program writes; of progress only a few a second."""

from __future__ import annotations

import time
from typing import BinaryIO

import msgspec

from llmd.models.sources.lines import Line, Progress

_EVERY = 0.25


class Report:
    """Writes lines to `out`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._next = 0.0
        self._said = ""
        self.total = 0
        self.complete = 0
        """Bytes of the files before the current one."""

    def line(self, line: Line) -> None:
        """Write one."""
        self._out.write(msgspec.json.encode(line) + b"\n")
        self._out.flush()

    def progress(self, status: str, file: str, done: int, note: str = "") -> None:
        """Say how far the current file is, unless that was said a moment ago; a new note is always
        said.
        """
        now = time.monotonic()
        if now >= self._next or note != self._said:
            self._next, self._said = now + _EVERY, note
            done = min(self.complete + done, self.total) if self.total else done
            self.line(Progress(status, file, done, self.total, note))
