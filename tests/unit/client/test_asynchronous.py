from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from llmd.client.asynchronous import AsyncClient
from llmd.errors import ContextOverflow, DaemonUnreachable, LlmdError, ModelNotFound, NoRoom
from tests.fakes.daemon import FakeDaemon

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "hi"}], "stream": True}


@pytest.fixture
async def client(daemon: FakeDaemon) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(daemon.path) as made:
        yield made


async def test_short_calls_return_dicts(daemon: FakeDaemon, client: AsyncClient) -> None:
    assert await client.get("/control/ps") == {"models": []}
    unloaded = await client.post("/control/unload", {"model": "llmd-tiny"})
    assert unloaded == {"unloaded": ["llmd-tiny"]}
    assert (await client.delete("/control/models/llmd-tiny"))["removed"] == "llmd-tiny"
    assert [method for method, _, _ in daemon.asked] == ["GET", "POST", "DELETE"]


async def test_many_calls_run_at_once(client: AsyncClient) -> None:
    found = await asyncio.gather(*(client.get("/control/ps") for _ in range(4)))
    assert found == [{"models": []}] * 4


async def test_the_daemons_error_arrives_as_itself(daemon: FakeDaemon, client: AsyncClient) -> None:
    with pytest.raises(ModelNotFound, match="There is no model nope"):
        await client.get("/control/models/nope")
    daemon.failures[CHAT] = ContextOverflow("Too long.", param="messages", needed=9)
    with pytest.raises(ContextOverflow, match="Too long") as caught:
        await anext(client.stream_events(CHAT, QUESTION))
    assert caught.value.details == {"needed": 9}


async def test_nobody_there_is_unreachable(socket_path: Path) -> None:
    async with AsyncClient(socket_path) as client:
        with pytest.raises(DaemonUnreachable, match="not running"):
            await client.get("/control/ps")


async def test_lines_come_as_they_are_said(daemon: FakeDaemon, client: AsyncClient) -> None:
    long = "word " * 100_000  # longer than any buffer
    daemon.pull = [{"status": "downloading", "note": long}, {"status": "done"}]
    found = [line async for line in client.stream_lines("/control/pull", {"name": "m"})]
    assert [line.get("status") for line in found] == ["downloading", "done", None]
    assert found[0]["note"] == long
    assert found[2]["model"]["name"] == "m"


async def test_an_error_in_the_middle_ends_the_stream_with_it(
    daemon: FakeDaemon, client: AsyncClient
) -> None:
    daemon.pull = [{"status": "downloading"}]
    daemon.failure_after = NoRoom("The disk is full.")
    lines = client.stream_lines("/control/pull", {"name": "m"})
    assert (await anext(lines))["status"] == "downloading"
    with pytest.raises(NoRoom, match="disk is full"):
        await anext(lines)


async def test_events_come_up_to_their_end(daemon: FakeDaemon, client: AsyncClient) -> None:
    found = [event async for event in client.stream_events(CHAT, QUESTION)]
    said = [choice["delta"].get("content", "") for event in found for choice in event["choices"]]
    assert "".join(said) == "".join(daemon.pieces)


async def test_a_stream_that_is_cut_off_is_unreachable(
    daemon: FakeDaemon, client: AsyncClient
) -> None:
    daemon.cut = True
    with pytest.raises(DaemonUnreachable, match=r"before it was complete|closed the connection"):
        async for _ in client.stream_events(CHAT, QUESTION):
            pass


async def test_leaving_a_stream_tells_the_daemon(daemon: FakeDaemon, client: AsyncClient) -> None:
    daemon.pieces, daemon.pause = ["piece "] * 1000, 0.01
    async with aclosing(client.stream_events(CHAT, QUESTION)) as events:
        await anext(events)
    assert await asyncio.to_thread(daemon.left.wait, 10)


async def test_a_wait_that_takes_too_long_is_given_up(daemon: FakeDaemon) -> None:
    daemon.pause = 5.0
    async with AsyncClient(daemon.path, timeout=0.1) as client:
        with pytest.raises(DaemonUnreachable, match="does not answer in time"):
            async for _ in client.stream_events(CHAT, QUESTION):
                pass


async def test_an_answer_that_is_no_json_is_said(daemon: FakeDaemon, client: AsyncClient) -> None:
    daemon.answers["/control/status"] = []
    with pytest.raises(LlmdError, match="something else than JSON"):
        await client.get("/control/status")
