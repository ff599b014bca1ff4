"""The door every request goes through: counts who is inside, lets nobody in while the daemon
drains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from llmd.errors import Draining
from llmd.telemetry.metrics import Metrics


class Gate:
    """Open until `close`; `emptied` waits for those inside."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False

    @property
    def inside(self) -> int:
        """Requests being answered."""
        return self._inside

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside for the length of a `with`; raise Draining when the door is closed."""
        if self.draining:
            raise Draining(
                "llmd is shutting down and takes no new requests.",
                hint="Try again once it is back.",
                retry_after=5,
            )
        self._inside += 1
        self._metrics.active_requests.inc()
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            self._metrics.active_requests.dec()
            if not self._inside:
                self._empty.set()

    def close(self) -> None:
        """Let nobody in any more."""
        self.draining = True

    async def emptied(self, limit: float) -> bool:
        """Wait until everybody left; False when `limit` seconds (negative: no limit) did not
        suffice.
        """
        try:
            await asyncio.wait_for(self._empty.wait(), limit if limit >= 0 else None)
        except TimeoutError:
            return False
        return True
