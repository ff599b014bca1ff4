from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from llmd.errors import Unauthorized
from llmd.protocol.callers import Caller
from llmd.services.revocations import Revocations
from llmd.services.stopping import Stop

ANN = Caller(user="ann", key="k1")
LOGGED_IN = Caller(user="ann", login="l1")


async def guarded(
    revocations: Revocations, caller: Caller, events: AsyncGenerator[int]
) -> AsyncGenerator[int]:
    """Answer as the service does."""
    stop = Stop()
    with revocations.watching(caller, stop):
        async with aclosing(stop.guard(events)) as answer:
            async for event in answer:
                yield event


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


async def test_a_stream_that_waits_ends_at_once() -> None:
    revocations, source = Revocations(), Source()
    events = guarded(revocations, ANN, source.events())
    source.queue.put_nowait(1)
    assert await anext(events) == 1
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    revocations.revoke_key("k1")
    with pytest.raises(Unauthorized, match="revoked"):
        await waiting
    assert source.closed
    assert revocations.watched == 0


async def test_a_consumer_that_is_busy_is_not_disturbed_and_hears_at_its_next_wait() -> None:
    revocations, source = Revocations(), Source()
    source.queue.put_nowait(1)
    source.queue.put_nowait(2)
    async with aclosing(guarded(revocations, ANN, source.events())) as events:
        assert await anext(events) == 1
        revocations.revoke_user("ann")
        await asyncio.sleep(0)
        with pytest.raises(Unauthorized):
            await anext(events)
    assert source.closed
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


async def test_only_those_who_are_meant_are_ended() -> None:
    revocations = Revocations()
    other = Caller(user="bob", key="k2")
    sources = {caller: Source() for caller in (ANN, LOGGED_IN, other)}
    waiting = {
        caller: asyncio.ensure_future(anext(guarded(revocations, caller, source.events())))
        for caller, source in sources.items()
    }
    await asyncio.sleep(0)
    revocations.revoke_key("nobody's")
    revocations.revoke_logins("ann")
    await asyncio.wait([waiting[LOGGED_IN]])
    assert isinstance(waiting[LOGGED_IN].exception(), Unauthorized)
    assert not waiting[ANN].done()
    revocations.revoke_user("ann")
    await asyncio.wait([waiting[ANN]])
    assert isinstance(waiting[ANN].exception(), Unauthorized)
    sources[other].queue.put_nowait(7)
    assert await waiting[other] == 7


async def test_one_login_ends_without_the_others() -> None:
    revocations, source = Revocations(), Source()
    waiting = asyncio.ensure_future(anext(guarded(revocations, LOGGED_IN, source.events())))
    await asyncio.sleep(0)
    revocations.revoke_login("l2")
    await asyncio.sleep(0)
    assert not waiting.done()
    revocations.revoke_login("l1")
    with pytest.raises(Unauthorized):
        await waiting


async def test_a_stream_that_ends_by_itself_just_ends() -> None:
    async def three() -> AsyncGenerator[int]:
        for number in range(3):
            yield number

    revocations = Revocations()
    assert [number async for number in guarded(revocations, ANN, three())] == [0, 1, 2]
    assert revocations.watched == 0


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    revocations, source = Revocations(), Source()
    waiting = asyncio.ensure_future(anext(guarded(revocations, ANN, source.events())))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_cancelled_and_revoked_at_once_is_cancelled() -> None:
    revocations, source = Revocations(), Source()
    waiting = asyncio.ensure_future(anext(guarded(revocations, ANN, source.events())))
    await asyncio.sleep(0)
    waiting.cancel()
    revocations.revoke_key("k1")
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_failure_of_the_stream_is_its_own() -> None:
    async def fails() -> AsyncGenerator[int]:
        yield 1
        raise KeyError("mine")

    events = guarded(Revocations(), ANN, fails())
    assert await anext(events) == 1
    with pytest.raises(KeyError):
        await anext(events)


def test_callers_without_a_key_are_not_watched() -> None:
    revocations = Revocations()
    for caller in (Caller(), Caller(owner=True)):
        with revocations.watching(caller, Stop()):
            assert revocations.watched == 0
    with revocations.watching(ANN, Stop()):
        assert revocations.watched == 1


async def test_a_single_answer_is_ended_too() -> None:
    revocations = Revocations()
    done = asyncio.Event()

    async def answer() -> str:
        await done.wait()
        return "yes"

    waiting = asyncio.ensure_future(revocations.bounded(ANN, answer()))
    await asyncio.sleep(0)
    revocations.revoke_user("ann")
    with pytest.raises(Unauthorized):
        await waiting
    done.set()
    assert await revocations.bounded(ANN, answer()) == "yes"
    assert await revocations.bounded(Caller(), answer()) == "yes"


async def test_every_change_is_counted() -> None:
    revocations = Revocations()
    revocations.changed()
    revocations.revoke_key("k")
    assert revocations.changes == 2
