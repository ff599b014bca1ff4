"""A work that somebody else may break off: the answers of a revoked key, a request that is
cancelled by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import TypeVar

from llmd.errors import LlmdError

T = TypeVar("T")


class Stop:
    """One piece of work: a `with` around each wait for more of it, which `pull` breaks off, as
    `asyncio.timeout` does, and never what its consumer does in between.
    """

    __slots__ = ("_before", "_closing", "_error", "_loop", "_resting", "_struck", "_task")

    def __init__(self) -> None:
        self._error: LlmdError | None = None
        self._struck = False
        self._before = 0
        self._task: asyncio.Task[object] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._resting: AsyncGenerator[object] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def pulled(self) -> bool:
        """Whether it has been broken off."""
        return self._error is not None

    def pull(self, error: LlmdError) -> None:
        """End it with an error now, or at its next wait; the first error stands. What is guarded
        ends now in either case.
        """
        if self._error is not None:
            return
        self._error = error
        if self._task is not None:
            self._struck = True
            self._task.cancel()
        elif self._resting is not None:
            # its consumer may be busy for as long as a client reads nothing
            self._closing = asyncio.ensure_future(_close(self._resting))

    async def guard(self, events: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """Return the events, which end with the error once it is pulled."""
        try:
            while True:
                try:
                    with self:
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                self._resting = events
                yield event
                self._resting = None
        finally:
            self._resting = None
            if self._closing is not None:
                await asyncio.wait([self._closing])
            await events.aclose()

    def __enter__(self) -> None:
        if self._error is not None:
            raise self._error
        # the running loop is looked up once: a `with` surrounds each token of an answer
        self._loop = self._loop or asyncio.get_running_loop()
        task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101  coroutines run in tasks
        self._task, self._before = task, task.cancelling()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._struck or task is None or self._error is None:
            return
        # somebody else may have cancelled the task as well: that is theirs
        ours = task.uncancel() <= self._before
        if ours and isinstance(error, asyncio.CancelledError):
            raise self._error from error


async def _close(events: AsyncGenerator[object]) -> None:
    await events.aclose()
