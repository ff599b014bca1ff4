"""The digest of a file while it comes: a thread that follows the bytes in order, whoever brings
them.

Every 16 MiB it keeps the digest of everything so far, which costs nothing more. By these marks a
later reader finds the first damaged piece: an attempt that goes on from an earlier one checks what
that one left, and only the damaged piece comes again.
"""

from __future__ import annotations

import hashlib
import threading

from llmd.models.sources.transfer.faults import Changed, disk_fault
from llmd.models.sources.transfer.partial import Partial

PIECE = 16 * 2**20
"""Bytes between two marks."""
_BLOCK = 256 * 1024


class Follower:
    """Computes the SHA-256 of a partial file; a context that ends the thread."""

    def __init__(self, partial: Partial) -> None:
        self._partial = partial
        self._marks = partial.marks()
        self._hash = hashlib.sha256()
        self._saved = self._hash.copy()
        self._suspect = -1
        self._position = 0
        self._ended = False
        self._resetting = False
        self._digest = ""
        self._fault: Exception | None = None
        self._news = threading.Condition()
        self.damaged = 0
        """Pieces that were found damaged."""
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """Bytes that are hashed."""
        return self._position

    @property
    def digest(self) -> str:
        """The digest in hexadecimal; empty until all is hashed. Raises what went wrong."""
        if self._fault is not None:
            raise self._fault
        return self._digest

    def advance(self) -> None:
        """Say that bytes came."""
        with self._news:
            self._news.notify()

    def reset(self) -> None:
        """Have the file begin again at its first byte, with no marks; wait until it does."""
        with self._news:
            self._resetting = True
            self._news.notify_all()
            self._news.wait_for(lambda: not self._resetting or not self._thread.is_alive(), 10)

    def _begin(self) -> None:
        with self._news:
            self._partial.restart()  # here, since this thread must not read meanwhile
            self._hash = hashlib.sha256()
            self._saved = self._hash.copy()
            self._marks, self._suspect, self._position = {}, -1, 0
            self._resetting = False
            self._news.notify_all()

    def close(self) -> None:
        """End the thread."""
        with self._news:
            self._ended = True
            self._news.notify()
        self._thread.join()

    def _follow(self) -> None:
        buffer = memoryview(bytearray(_BLOCK))
        try:
            while not self._complete():
                if self._ended:
                    return
                if self._resetting:
                    self._begin()
                reach = self._partial.reach()
                if reach > self._position:
                    self._take(buffer, reach)
                    continue
                with self._news:
                    if not (self._ended or self._resetting):
                        self._news.wait(0.1)
            self._digest = self._hash.hexdigest()
        except OSError as error:
            self._fault = disk_fault(error, str(self._partial.path))
        except Changed as fault:
            self._fault = fault
        except Exception as error:
            self._fault = error  # nobody must wait for a thread that is gone
            raise

    def _complete(self) -> bool:
        return 0 < self._partial.identity.size == self._position

    def _take(self, buffer: memoryview, reach: int) -> None:
        border = self._position - self._position % PIECE + PIECE
        while not (self._ended or self._resetting) and self._position < min(border, reach):
            wanted = min(border, reach) - self._position
            got = self._partial.read(self._position, buffer[:wanted])
            if not got:
                raise OSError(0, "it is shorter than it was")
            self._hash.update(buffer[:got])
            self._position += got
        if not self._resetting and (self._position == border or self._complete()):
            self._check(border - PIECE)

    def _check(self, start: int) -> None:
        digest = self._hash.hexdigest()
        expected = self._marks.get(self._position)
        if expected in {None, digest}:
            self._saved = self._hash.copy()
            if expected is None:
                self._partial.mark(self._position, digest)
            return
        if self._suspect == start:
            # it came again and is still another: then the source has another file by now
            raise Changed(self._partial.identity.size, "")
        self._suspect = start
        self.damaged += 1
        self._partial.lose(start, self._position)
        self._hash, self._position = self._saved.copy(), start
