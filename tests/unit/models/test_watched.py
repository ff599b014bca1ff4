from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from llmd.errors import LlmdError, NoRoom
from llmd.models.watched import Joint, Watched
from tests.fakes.moments import moment

Say = Callable[[str], None]


class Script:
    """Work that says one thing, waits, and returns."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.started = 0
        self.cancelled = 0
        self.error: LlmdError | None = None

    async def __call__(self, say: Say) -> int:
        self.started += 1
        say("at work")
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return 42


async def everything(
    joint: Joint[str, str, int], key: str, work: Callable[[Say], Awaitable[int]]
) -> list[str | int]:
    async with aclosing(joint.watch(key, "first", work)) as events:
        return [event async for event in events]


async def test_states_come_and_the_result_last() -> None:
    script = Script()
    watched = Watched("first", script)
    events = watched.watch()
    assert await anext(events) == "first"
    assert await anext(events) == "at work"
    script.go.set()
    assert [event async for event in events] == ["at work", 42]
    assert not watched.joinable


async def test_equal_orders_are_one_piece_of_work() -> None:
    joint: Joint[str, str, int] = Joint()
    script, other = Script(), Script()
    tasks = [asyncio.ensure_future(everything(joint, "a", script)) for _ in range(3)]
    tasks.append(asyncio.ensure_future(everything(joint, "b", other)))
    await moment()
    assert (script.started, other.started) == (1, 1)
    script.go.set()
    other.go.set()
    assert [events[-1] for events in await asyncio.gather(*tasks)] == [42] * 4


async def test_the_last_one_to_leave_stops_it() -> None:
    joint: Joint[str, str, int] = Joint()
    script = Script()
    first, second = (asyncio.ensure_future(everything(joint, "a", script)) for _ in range(2))
    await moment()
    first.cancel()
    await asyncio.wait([first])
    assert script.cancelled == 0
    second.cancel()
    await asyncio.wait([second])
    assert script.cancelled == 1
    again = Script()
    again.go.set()
    assert (await everything(joint, "a", again))[-1] == 42


async def test_everybody_hears_of_a_failure() -> None:
    joint: Joint[str, str, int] = Joint()
    script = Script()
    script.error = NoRoom("full")
    tasks = [asyncio.ensure_future(everything(joint, "a", script)) for _ in range(2)]
    await moment()
    script.go.set()
    for task in tasks:
        with pytest.raises(NoRoom):
            await task


async def test_closing_stops_all_and_tells_the_watchers() -> None:
    joint: Joint[str, str, int] = Joint()
    script = Script()
    task = asyncio.ensure_future(everything(joint, "a", script))
    await moment()
    await joint.close()
    assert script.cancelled == 1
    with pytest.raises(LlmdError, match="was stopped"):
        await task
