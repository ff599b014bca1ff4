"""Has the system write a growing file to the disk all the time, in a thread: the end of a download
then waits for little, and a power cut costs little.
"""

from __future__ import annotations

import os
import threading

_EVERY = 0.2


class Writeback:
    """Works on an open file until it is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._closing = threading.Event()
        self._fault: OSError | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; the file can be closed then."""
        self._closing.set()
        self._thread.join()

    def check(self) -> None:
        """Raise the error with which the disk refused earlier bytes: the system tells it once."""
        if self._fault is not None:
            raise self._fault

    def _work(self) -> None:
        while not self._closing.wait(_EVERY):
            try:
                _sync(self._descriptor)
            except OSError as error:
                self._fault = error
                return


def _sync(descriptor: int) -> None:
    # macOS has fsync alone
    getattr(os, "fdatasync", os.fsync)(descriptor)
