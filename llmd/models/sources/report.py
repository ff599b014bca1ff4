"""The lines that a source program writes; of progress only a few a second."""

from __future__ import annotations

import threading
import time
from typing import BinaryIO

import msgspec

from llmd.models.sources.lines import Line, Named, Progress

_EVERY = 0.25


class Report:
    """Writes lines to `out`; where it `asks`, what is named waits for a word."""

    def __init__(self, out: BinaryIO, *, asks: bool = False) -> None:
        self._out = out
        self._allowed = threading.Event()
        if not asks:
            self._allowed.set()
        self._next = 0.0
        self._said = ""
        self.total = 0
        self.complete = 0
        """Bytes of the files before the current one."""

    def line(self, line: Line) -> None:
        """Write one."""
        self._out.write(msgspec.json.encode(line) + b"\n")
        self._out.flush()

    def named(self, named: Named) -> None:
        """Say what is about to be fetched, and wait until it may be."""
        self.line(named)
        self._allowed.wait()

    def allow(self) -> None:
        """Let what was named be fetched."""
        self._allowed.set()

    def progress(self, status: str, file: str, done: int, note: str = "") -> None:
        """Say how far the current file is, unless that was said a moment ago; a new note is always
        said.
        """
        now = time.monotonic()
        if now >= self._next or note != self._said:
            self._next, self._said = now + _EVERY, note
            done = min(self.complete + done, self.total) if self.total else done
            self.line(Progress(status, file, done, self.total, note))
