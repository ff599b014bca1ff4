"""What comes at the same moment comes together.

The last text of an answer and its end are often there at once. Clients that take every network
read for one event lose both when they are written one after the other. Others go by the choices of
a chunk, and have no use for one that holds nothing but figures.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import msgspec

from llmd.errors import LlmdError
from llmd.protocol.events import Queued
from llmd.server.completions import schema

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


async def with_usage(
    chunks: AsyncIterator[schema.Completion | Queued],
) -> AsyncGenerator[schema.Completion]:
    """Yield the chunks of a stream, with the figures in the last one rather than in one without
    choices: there are clients that look into the first choice of each, and those that read as far
    as the `finish_reason`.
    """
    held: schema.Completion | None = None
    async for chunk in chunks:
        if isinstance(chunk, Queued):
            continue
        if not chunk.choices:
            held = held and msgspec.structs.replace(held, usage=chunk.usage)
            continue
        if held:
            yield held
        held = chunk if any(choice.finish_reason for choice in chunk.choices) else None
        if held is None:
            yield chunk
    if held:
        yield held


def _next(source: AsyncGenerator[T]) -> asyncio.Task[T]:
    return asyncio.ensure_future(_step(source))


async def _step(source: AsyncGenerator[T]) -> T:
    return await anext(source)
