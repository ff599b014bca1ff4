"""What comes at the same moment comes together.

The last text of an answer and its end are often there at once. Clients that take every network
read for one event lose both when they are written one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TypeVar

from llmd.errors import LlmdError

T = TypeVar("T")


async def gathered(source: AsyncGenerator[T]) -> AsyncGenerator[list[T]]:
    """Yield what a generator gives, in pairs where the second is there without waiting; raise what
    it raises, after what it gave before. Closing this does not close `source`.
    """
    coming = _next(source)
    try:
        while True:
            try:
                found = [await coming]
            except StopAsyncIteration:
                return
            coming = _next(source)
            # one round of the event loop is what it needs where nothing makes it wait
            await asyncio.sleep(0)
            if coming.done() and coming.exception() is None:
                found.append(coming.result())
                coming = _next(source)
            yield found
    finally:
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, LlmdError):
            await coming


def _next(source: AsyncGenerator[T]) -> asyncio.Task[T]:
    return asyncio.ensure_future(_step(source))


async def _step(source: AsyncGenerator[T]) -> T:
    return await anext(source)
