"""Notes that need not be written at once, and are written together a little later."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from llmd.errors import LlmdError

T = TypeVar("T")

_MOST = 10_000


class Deferred(Generic[T]):
    """Collects notes; the first one after a write starts the wait for the next."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], delay: float) -> None:
        """`write` gets all of them after `delay` seconds; what it raises is logged, and they are
        lost.
        """
        self._write = write
        self._delay = delay
        self._notes: list[T] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def add(self, note: T) -> None:
        """Remember to write this; must be called on the event loop."""
        if self._closed or len(self._notes) >= _MOST:
            return
        self._notes.append(note)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._later())

    async def flush(self) -> None:
        """Write what is there."""
        notes, self._notes = self._notes, []
        if not notes:
            return
        try:
            await self._write(notes)
        except LlmdError as error:
            log = structlog.get_logger("deferred")
            log.warning("notes are lost", count=len(notes), reason=str(error))

    async def close(self) -> None:
        """Write what is there, and take nothing more."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def _later(self) -> None:
        while self._notes:
            await asyncio.sleep(self._delay)
            await self.flush()
