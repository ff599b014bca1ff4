"""The wish to stop."""

from __future__ import annotations

import asyncio


class Shutdown:
    """The wish to stop: the first one drains, the second one stops at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()

    def ask(self, now: bool = False) -> None:  # noqa: FBT001, FBT002  the shape of Services.shutdown
        """Ask once to drain, again (or with `now`) to stop at once."""
        if now or self._asked.is_set():
            self._hurried.set()
        self._asked.set()

    async def asked(self) -> None:
        """Wait for the first wish."""
        await self._asked.wait()

    async def hurried(self) -> None:
        """Wait for the second."""
        await self._hurried.wait()
