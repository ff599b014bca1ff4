"""How quickly bytes may come, shared by all connections of a program: a token bucket."""

from __future__ import annotations

import threading
import time

_BURST = 0.25
_SMALLEST_CHUNK = 4 * 1024


class Bucket:
    """The arithmetic, pure: the clock is passed in. Bytes are taken first and paid for later, so
    that a chunk larger than the bucket passes too.
    """

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        """Bytes per second; 0: none."""
        self._paid_until = 0.0

    def take(self, now: float, amount: int) -> float:
        """Take bytes that have come; return the seconds to pause."""
        if not self.limit:
            return 0.0
        # time that nobody used is saved up for a quarter of a second only
        self._paid_until = max(self._paid_until, now - _BURST) + amount / self.limit
        return max(self._paid_until - now, 0.0)

    def change(self, now: float, limit: int) -> None:
        """Set another limit; what is owed by the old one is forgotten."""
        self.limit = limit
        self._paid_until = min(self._paid_until, now)


class Budget:
    """A bucket that threads wait at."""

    def __init__(self, limit: int = 0) -> None:
        self._bucket = Bucket(limit)
        self._changed = threading.Condition()

    def chunk(self, largest: int) -> int:
        """Return how much to read at once so that the pace stays even."""
        limit = self._bucket.limit
        return min(largest, max(int(limit * _BURST), _SMALLEST_CHUNK)) if limit else largest

    def spend(self, amount: int) -> None:
        """Account for bytes; wait as long as they take."""
        if not self._bucket.limit:
            return
        with self._changed:
            end = time.monotonic() + self._bucket.take(time.monotonic(), amount)
            while (left := end - time.monotonic()) > 0 and not self._changed.wait(left):
                pass

    def change(self, limit: int) -> None:
        """Set another limit, for those who wait as well."""
        with self._changed:
            self._bucket.change(time.monotonic(), limit)
            self._changed.notify_all()
