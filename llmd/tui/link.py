"""The line to the daemon: follows its feed, and when that breaks tries again, less and less often,
until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from llmd.errors import DaemonUnreachable, LlmdError
from llmd.protocol.feed import Snapshot

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
FEED = "/control/feed"


class Follows(Protocol):
    """What the line needs of a client."""

    def stream_lines(
        self, path: str, body: object = None, method: str = "POST"
    ) -> AsyncGenerator[dict[str, Any]]:
        """See AsyncClient."""


def pause(attempt: int) -> float:
    """Return the seconds to wait before an attempt, counted from 1."""
    return min(_FIRST_PAUSE * 2.0 ** (attempt - 1), _LONGEST_PAUSE)


class Link:
    """Follows the feed for ever: tells `arrived` each snapshot, `lost` why there is none, with the
    number of the attempt that comes next (from 1).
    """

    def __init__(
        self,
        client: Follows,
        arrived: Callable[[Snapshot], None],
        lost: Callable[[LlmdError, int], None],
    ) -> None:
        self._client = client
        self._arrived = arrived
        self._lost = lost
        self._now = asyncio.Event()

    def hurry(self) -> None:
        """Try again at once."""
        self._now.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        attempt = 0
        while True:
            error: LlmdError = DaemonUnreachable(
                "The daemon ended.", hint="Start it with `llmd start`."
            )
            try:
                async with aclosing(self._client.stream_lines(FEED, method="GET")) as lines:
                    async for line in lines:
                        attempt = 0
                        self._arrived(msgspec.convert(line, Snapshot))
            except LlmdError as found:
                error = found
            except msgspec.ValidationError:
                error = LlmdError(
                    "This llmd does not understand the daemon, which is of another version.",
                    hint="Restart the daemon: `llmd restart`.",
                )
            attempt += 1
            self._lost(error, attempt)
            await self._wait(pause(attempt))

    async def _wait(self, seconds: float) -> None:
        self._now.clear()
        try:
            await asyncio.wait_for(self._now.wait(), seconds)
        except TimeoutError:
            return
