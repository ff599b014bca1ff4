from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from llmd.errors import RequestCancelled, Unauthorized
from llmd.services.stopping import Stop

ERROR = RequestCancelled("Enough.")


class Source:
    """Events that come when they are told to; knows whether it was closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue()
        self.closed = False

    async def events(self) -> AsyncGenerator[int]:
        try:
            while True:
                yield await self.queue.get()
        finally:
            self.closed = True


async def test_events_pass_until_somebody_pulls() -> None:
    stop, source = Stop(), Source()
    source.queue.put_nowait(1)
    events = stop.guard(source.events())
    assert await anext(events) == 1
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    assert not stop.pulled
    stop.pull(ERROR)
    with pytest.raises(RequestCancelled, match="Enough"):
        await waiting
    assert stop.pulled
    assert source.closed


async def test_a_consumer_that_is_busy_hears_at_its_next_wait() -> None:
    stop, source = Stop(), Source()
    source.queue.put_nowait(1)
    async with aclosing(stop.guard(source.events())) as events:
        await anext(events)
        stop.pull(ERROR)
        await asyncio.sleep(0)
        with pytest.raises(RequestCancelled):
            await anext(events)
    assert source.closed


async def test_what_a_busy_consumer_has_no_time_for_ends_all_the_same() -> None:
    """A client that reads nothing keeps its answer waiting, not the model that writes it."""
    stop, source = Stop(), Source()
    source.queue.put_nowait(1)
    async with aclosing(stop.guard(source.events())) as events:
        await anext(events)
        stop.pull(ERROR)
        async with asyncio.timeout(5):
            while not source.closed:
                await asyncio.sleep(0)
        with pytest.raises(RequestCancelled):
            await anext(events)


async def test_one_that_leaves_while_its_source_is_closed_waits_for_that() -> None:
    stop, source = Stop(), Source()
    source.queue.put_nowait(1)
    events = stop.guard(source.events())
    await anext(events)
    stop.pull(ERROR)
    await events.aclose()
    assert source.closed


async def test_the_first_error_stands() -> None:
    stop, source = Stop(), Source()
    stop.pull(ERROR)
    stop.pull(Unauthorized("Too late."))
    with pytest.raises(RequestCancelled):
        await anext(stop.guard(source.events()))


async def test_one_inside_another_ends_with_its_own_error() -> None:
    inner, outer, source = Stop(), Stop(), Source()
    events = outer.guard(inner.guard(source.events()))
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    inner.pull(ERROR)
    with pytest.raises(RequestCancelled):
        await waiting


async def test_who_cancels_the_task_itself_is_heard() -> None:
    stop, source = Stop(), Source()
    waiting = asyncio.ensure_future(anext(stop.guard(source.events())))
    await asyncio.sleep(0)
    stop.pull(ERROR)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_events_that_end_end() -> None:
    async def two() -> AsyncGenerator[int]:
        yield 1
        yield 2

    assert [event async for event in Stop().guard(two())] == [1, 2]
