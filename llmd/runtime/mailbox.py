"""Events of one request, waiting for their reader; a slow reader costs merged text, never a growing
queue.
"""

from __future__ import annotations

import asyncio
from collections import deque

from llmd.protocol.events import Delta, Event, Queued, Reading, melted
from llmd.protocol.questions import Reply

Mail = Event | Reply
_STANDINGS = (Queued, Reading)


class Mailbox:
    """A queue of one reader whose neighbouring deltas melt together while nobody reads, and whose
    news of the waiting line replace each other.
    """

    def __init__(self) -> None:
        self._mail: deque[Mail] = deque()
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, mail: Mail) -> None:
        """Add one event."""
        last = self._mail[-1] if self._mail else None
        if isinstance(mail, Delta) and isinstance(last, Delta):
            merged = Delta(
                last.text + mail.text,
                last.tokens + mail.tokens,
                [*last.logprobs, *mail.logprobs],
                last.reasoning + mail.reasoning,
                melted([*last.calls, *mail.calls]),
            )
            self._mail[-1] = merged
        elif isinstance(mail, _STANDINGS) and isinstance(last, _STANDINGS):
            # only where a request stands now is of interest
            self._mail[-1] = mail
        else:
            self._mail.append(mail)
        self._wake()

    def fail(self, error: BaseException) -> None:
        """Make `get` raise `error` once the events before it are read."""
        self._error = error
        self._wake()

    async def get(self) -> Mail:
        """Return the next event; raise what `fail` was given."""
        while not self._mail:
            if self._error:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._mail.popleft()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
