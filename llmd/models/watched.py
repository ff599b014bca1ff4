"""Long work that several callers may watch: it starts with the first, and stops when the last one
leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from llmd.errors import LlmdError

E = TypeVar("E")
R = TypeVar("R")
K = TypeVar("K")


class Watched(Generic[E, R]):
    """One piece of work: `work` tells its states to the function it is given, and returns the
    result. `stopped` is what watchers are told when somebody stops it.
    """

    def __init__(
        self,
        first: E,
        work: Callable[[Callable[[E], None]], Awaitable[R]],
        stopped: LlmdError | None = None,
    ) -> None:
        self._latest = first
        self._stopped = stopped or LlmdError(
            "It was stopped.", hint="Nothing of it is left; start it again."
        )
        self._watchers: set[asyncio.Event] = set()
        self._stopping = False
        self._task = asyncio.ensure_future(work(self._say))
        self._task.add_done_callback(lambda _: self._settled())

    @property
    def joinable(self) -> bool:
        """Whether it still goes on."""
        return not (self._stopping or self._task.done())

    async def watch(self) -> AsyncGenerator[E | R]:
        """Yield the present state, each new one (the slow miss some), at last the result; raise
        what the work raised.
        """
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            yield self._latest
            while not self._task.done():
                await changed.wait()
                changed.clear()
                if not self._task.done():
                    yield self._latest
            if self._task.cancelled():
                raise self._stopped
            result = self._task.result()
            yield self._latest
            yield result
        finally:
            self._watchers.discard(changed)

    async def leave_if_alone(self) -> None:
        """Stop the work when nobody watches."""
        if not self._watchers:
            await self.stop()

    async def stop(self) -> None:
        """Cancel the work and wait until it has cleaned up."""
        self._stopping = True
        self._task.cancel()
        await asyncio.wait([self._task])

    def _say(self, state: E) -> None:
        self._latest = state
        self._wake()

    def _settled(self) -> None:
        if not self._task.cancelled():
            self._task.exception()  # it may be that nobody is left to hear of it
        self._wake()

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.set()


class Joint(Generic[K, E, R]):
    """Work under way by what was ordered: equal orders are one piece of work."""

    def __init__(self) -> None:
        self._running: dict[K, Watched[E, R]] = {}

    async def watch(
        self, key: K, first: E, work: Callable[[Callable[[E], None]], Awaitable[R]]
    ) -> AsyncGenerator[E | R]:
        """Start the work, or join it where it goes on already, and watch it; closing leaves."""
        watched = self._running.get(key)
        if watched is None or not watched.joinable:
            watched = self._running[key] = Watched(first, work)
        try:
            async with aclosing(watched.watch()) as events:
                async for event in events:
                    yield event
        finally:
            await watched.leave_if_alone()
            if not watched.joinable and self._running.get(key) is watched:
                del self._running[key]

    async def close(self) -> None:
        """Stop all of it."""
        await asyncio.gather(*(watched.stop() for watched in list(self._running.values())))
