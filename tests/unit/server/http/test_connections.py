"""Real sockets against a real listener, with limits that are short."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from llmd.config.settings import ServerSettings
from llmd.config.values import Duration
from llmd.server.application import TCP_MOUNTS, build
from llmd.server.http.connections import GuardedSite
from llmd.server.http.keys import WATCH
from llmd.services.connections import Connections
from llmd.telemetry.metrics import Metrics
from tests.unit.services.conftest import Bench

Serve = Callable[..., Awaitable[int]]
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
SOON = 0.2


@pytest.fixture
async def serve(bench: Bench) -> AsyncIterator[Serve]:
    """Return a function that listens and returns the port."""
    runners: list[web.AppRunner] = []

    async def listen(most: int = 0, **settings: Any) -> int:
        given = {"header_timeout": Duration(30), "body_timeout": Duration(30)} | settings
        application = build(bench.services, ServerSettings(**given), TCP_MOUNTS, trusted=False)
        application[WATCH]._connections = Connections(Metrics(), most)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        site = GuardedSite(runner, application[WATCH], 10, host="127.0.0.1", port=0)
        await site.start()
        return int(runner.addresses[0][1])

    yield listen
    for runner in runners:
        await runner.cleanup()
    await bench.pool.close()


class Wire:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self._reader.readexactly(int(fields.get("content-length", 0)))
        return int(head[0].split()[1]), fields, body

    async def rest(self) -> bytes:
        return await self._reader.read()

    async def drip(self, data: bytes, pause: float) -> None:
        with suppress(ConnectionError):
            for number in range(len(data)):
                self.writer.write(data[number : number + 1])
                await self.writer.drain()
                await asyncio.sleep(pause)


Open = Callable[[int], Awaitable[Wire]]


@pytest.fixture
async def connect() -> AsyncIterator[Open]:
    """Return a function that connects to a port; all connections are closed in the end."""
    wires: list[Wire] = []

    async def opened(port: int) -> Wire:
        wires.append(Wire(*await asyncio.open_connection("127.0.0.1", port)))
        return wires[-1]

    yield opened
    for wire in wires:
        wire.writer.close()
        with suppress(ConnectionError):
            await wire.writer.wait_closed()


async def test_requests_pass_as_if_nothing_stood_before_them(serve: Serve, connect: Open) -> None:
    wire = await connect(await serve())
    for _ in range(3):
        wire.writer.write(HEAD + b"\r\n")
        status, _, body = await wire.answer()
        assert (status, json.loads(body)["status"]) == (200, "healthy")
    wire.writer.write((HEAD + b"\r\n") * 2)
    assert [(await wire.answer())[0], (await wire.answer())[0]] == [200, 200]
    wire.writer.close()


async def test_a_head_that_drips_in_is_refused(serve: Serve, connect: Open) -> None:
    wire = await connect(await serve(header_timeout=Duration(SOON)))
    dripping = asyncio.ensure_future(wire.drip(HEAD + b"X-Endless: " + b"x" * 10_000, 0.02))
    status, fields, body = await wire.answer()
    assert (status, fields["connection"]) == (408, "close")
    assert json.loads(body)["error"]["code"] == "request_timeout"
    assert await wire.rest() == b""
    dripping.cancel()


async def test_a_second_head_may_not_drip_either(serve: Serve, connect: Open) -> None:
    wire = await connect(await serve(header_timeout=Duration(SOON)))
    wire.writer.write(HEAD + b"\r\n")
    assert (await wire.answer())[0] == 200
    await asyncio.sleep(2 * SOON)
    wire.writer.write(HEAD)
    assert (await wire.answer())[0] == 408


async def test_who_says_nothing_is_dropped_without_a_word(serve: Serve, connect: Open) -> None:
    wire = await connect(await serve(header_timeout=Duration(SOON)))
    assert await wire.rest() == b""


async def test_a_body_that_drips_in_is_refused_by_the_dialect(serve: Serve, connect: Open) -> None:
    wire = await connect(await serve(body_timeout=Duration(SOON)))
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    )
    wire.writer.write(head)
    dripping = asyncio.ensure_future(wire.drip(b"x" * 100_000, 0.02))
    status, _, body = await wire.answer()
    assert status == 408
    assert json.loads(body)["error"]["code"] == "request_timeout"
    await asyncio.sleep(SOON)
    assert await wire.rest() == b"", "what still drips in would reset a closed connection"
    dripping.cancel()


async def test_a_body_that_keeps_coming_may_take_longer(serve: Serve, connect: Open) -> None:
    port = await serve(body_timeout=Duration(SOON))
    wire = await connect(port)
    body = json.dumps({"prompt": "a" * 60_000, "model": "nobody"}).encode()
    head = f"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    wire.writer.write(head.encode() + body[:50_000])
    await asyncio.sleep(3 * SOON)
    wire.writer.write(body[50_000:])
    assert (await wire.answer())[0] == 404


async def test_an_answer_may_take_longer_than_any_head(
    serve: Serve, connect: Open, bench: Bench
) -> None:
    bench.starts.held = True
    wire = await connect(await serve(header_timeout=Duration(SOON), body_timeout=Duration(SOON)))
    body = json.dumps({"prompt": "a b", "model": "llmd-tiny"}).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    wire.writer.write(head.encode() + body)
    await asyncio.sleep(3 * SOON)
    bench.starts.workers[0].go.set()
    assert (await wire.answer())[0] == 200


async def test_one_connection_too_many_is_told_so(serve: Serve, connect: Open) -> None:
    port = await serve(most=2)
    first, second = await connect(port), await connect(port)
    for wire in (first, second):
        wire.writer.write(HEAD + b"\r\n")
        assert (await wire.answer())[0] == 200
    third = await connect(port)
    third.writer.write(HEAD + b"\r\n")
    status, fields, body = await third.answer()
    assert (status, fields["retry-after"]) == (503, "1")
    assert json.loads(body)["error"]["code"] == "too_many_connections"
    assert await third.rest() == b""
    first.writer.close()
    await first.writer.wait_closed()
    while True:
        fourth = await connect(port)
        fourth.writer.write(HEAD + b"\r\n")
        if (await fourth.answer())[0] == 200:
            break


async def test_endless_heads_are_refused(serve: Serve, connect: Open) -> None:
    wire = await connect(await serve())
    wire.writer.write(HEAD + b"X-Large: " + b"x" * 100_000 + b"\r\n\r\n")
    assert (await wire.answer())[0] == 400
