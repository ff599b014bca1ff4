"""Events of one request, waiting for their reader; a slow reader costs merged text, never a growing
queue.
"""

from __future__ import annotations

import asyncio
from collections import deque

from llmd.protocol.events import Delta, Embeddings, Event

Mail = Event | Embeddings


class Mailbox:
    """A queue of one reader whose neighbouring deltas melt together while nobody reads."""

    def __init__(self) -> None:
        self._mail: deque[Mail] = deque()
        self._error: BaseException | None = None
        self._arrived = asyncio.Event()

    def put(self, mail: Mail) -> None:
        """Add one event."""
        last = self._mail[-1] if self._mail else None
        if isinstance(mail, Delta) and isinstance(last, Delta):
            merged = Delta(
                last.text + mail.text, last.tokens + mail.tokens, [*last.logprobs, *mail.logprobs]
            )
            self._mail[-1] = merged
        else:
            self._mail.append(mail)
        self._arrived.set()

    def fail(self, error: BaseException) -> None:
        """Make `get` raise `error` once the events before it are read."""
        self._error = error
        self._arrived.set()

    async def get(self) -> Mail:
        """Return the next event; raise what `fail` was given."""
        while not self._mail:
            if self._error:
                raise self._error
            self._arrived.clear()
            await self._arrived.wait()
        return self._mail.popleft()
