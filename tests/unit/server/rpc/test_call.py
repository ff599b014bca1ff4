from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpc import aio

from llmd.protocol.callers import Caller
from llmd.server.http.boundary import ClientGone
from llmd.server.rpc.call import Call, SlowReader
from llmd.server.rpc.generated import model_pb2 as pb
from tests.fakes.moments import moment


class FakeContext:
    """Takes what is sent once `open` is set, or fails."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.gone = False
        self.sent: list[object] = []

    async def send_initial_metadata(self, metadata: object) -> None:
        self.sent.append(metadata)

    async def write(self, data: bytes) -> None:
        await self.open.wait()
        if self.gone:
            raise aio.UsageError("RPC already finished.")
        self.sent.append(data)


def call(context: Any, patience: float | None = 0.01) -> Call:
    return Call(context, Caller(), {"X-Request-Id": "t"}, patience)


MESSAGE = pb.CompletionChunk(id="x")


async def test_headers_are_sent_once_and_before_the_first_message() -> None:
    context = FakeContext()
    under_way = call(context)
    await under_way.begin({"X-LLMD-Queue-Position": "2"})
    await under_way.send(MESSAGE)
    await under_way.begin()
    headers = (("x-request-id", "t"), ("x-llmd-queue-position", "2"))
    assert context.sent == [headers, MESSAGE.SerializeToString()]


async def test_who_takes_nothing_is_given_up_without_breaking_what_is_half_written() -> None:
    context = FakeContext()
    context.open.clear()
    with pytest.raises(SlowReader) as raised:
        await call(context).send(MESSAGE)
    assert not raised.value.written.done()
    context.open.set()
    await raised.value.written
    assert context.sent[-1] == MESSAGE.SerializeToString()


async def test_without_a_limit_a_reader_has_all_the_time() -> None:
    context = FakeContext()
    context.open.clear()
    sending = asyncio.ensure_future(call(context, None).send(MESSAGE))
    await moment(0.02)
    assert not sending.done()
    context.open.set()
    await sending


async def test_who_is_gone_is_not_written_to() -> None:
    context = FakeContext()
    context.gone = True
    with pytest.raises(ClientGone):
        await call(context).send(MESSAGE)


async def test_a_cancelled_call_leaves_nothing_behind() -> None:
    context = FakeContext()
    context.open.clear()
    sending = asyncio.ensure_future(call(context, None).send(MESSAGE))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
