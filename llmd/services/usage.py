"""What callers have used, kept over restarts: summed in memory, written a few times a minute.

A killed daemon loses the last seconds of these sums, and nothing else; a database that fails
loses nothing as long as the daemon lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from llmd.errors import LlmdError
from llmd.protocol.usage import Used

_HOUR = 3600
_DAY = 24 * _HOUR
_KEPT = 400 * _DAY
_MOST = 50_000
_PAUSE = 10.0


class Ledger(Protocol):
    """Where sums are kept; see `llmd.storage.usage`. Each may raise StorageFailed or NoRoom."""

    async def add(self, used: list[Used]) -> None:
        """Add to the sums of hours."""

    async def since(self, moment: float) -> list[Used]:
        """Return the sums of hours that end after a moment."""

    async def days(self, subject: str, moment: float) -> list[Used]:
        """Return the sums of days of one subject."""

    async def days_of_all(self, kind: str, moment: float) -> list[Used]:
        """Return the same of all subjects of a kind, by subject and day."""

    async def forget(self, moment: float) -> None:
        """Delete what is from before a moment."""


class Usage:
    """Sums that are not written yet, and what was."""

    def __init__(
        self, ledger: Ledger, clock: Callable[[], float] = time.time, pause: float = _PAUSE
    ) -> None:
        """`clock` returns seconds since the epoch; sums are written every `pause` seconds."""
        self._ledger = ledger
        self._clock = clock
        self._pause = pause
        self._pending: dict[tuple[str, int], tuple[int, int]] = {}
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    def note(self, subject: str, tokens: int) -> None:
        """Count one answer."""
        self._note(subject, int(self._clock() // _HOUR), tokens, 1)

    async def recent(self) -> list[tuple[float, str, int]]:
        """Return (moment, subject, tokens) of the last 24 hours, oldest first."""
        used = await self._ledger.since(self._clock() - _DAY)
        return [(one.start, one.subject, one.tokens) for one in used]

    async def days(self, subject: str, days: int = 30) -> list[Used]:
        """Return what a subject used by the day (UTC), today included."""
        await self.flush()
        return await self._ledger.days(subject, self._clock() - (days - 1) * _DAY)

    async def days_of_all(self, kind: str, days: int = 30) -> list[Used]:
        """Return the same of all subjects of a kind (`key`, `user`), by subject and day."""
        await self.flush()
        return await self._ledger.days_of_all(kind, self._clock() - (days - 1) * _DAY)

    def start(self) -> None:
        """Write from now on, until `close`."""
        self._task = asyncio.ensure_future(self._write_on())

    async def close(self) -> None:
        """Write what is left."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def flush(self) -> None:
        """Write now; what cannot be written is kept for the next time."""
        async with self._writing:
            pending, self._pending = self._pending, {}
            if not pending:
                return
            try:
                await self._ledger.add([_used(*place, *sums) for place, sums in pending.items()])
            except LlmdError as error:
                self._put_back(pending)
                self._complain(error)
            else:
                self._failed = False

    async def _write_on(self) -> None:
        await self._clean()
        while True:
            await asyncio.sleep(self._pause)
            await asyncio.shield(self.flush())

    async def _clean(self) -> None:
        try:
            await self._ledger.forget(self._clock() - _KEPT)
        except LlmdError as error:
            self._complain(error)

    def _complain(self, error: LlmdError) -> None:
        if not self._failed:
            structlog.get_logger("usage").warning("used tokens are not kept", reason=str(error))
        self._failed = True

    def _put_back(self, pending: dict[tuple[str, int], tuple[int, int]]) -> None:
        for (subject, hour), (tokens, answers) in pending.items():
            self._note(subject, hour, tokens, answers)

    def _note(self, subject: str, hour: int, tokens: int, answers: int) -> None:
        place = (subject, hour)
        before = self._pending.get(place)
        if before is None and len(self._pending) >= _MOST:
            return  # the database has failed for long, and a crowd came by
        old_tokens, old_answers = before or (0, 0)
        self._pending[place] = (old_tokens + tokens, old_answers + answers)


def _used(subject: str, hour: int, tokens: int, answers: int) -> Used:
    return Used(subject=subject, start=float(hour * _HOUR), tokens=tokens, answers=answers)
