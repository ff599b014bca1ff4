from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from llmd.config.settings import ServerSettings
from llmd.config.values import Duration, Size
from llmd.errors import (
    InvalidRequest,
    LlmdError,
    QueueFull,
    RateLimited,
    StorageFailed,
    Unauthorized,
)
from llmd.protocol.callers import Caller, Credentials, Scope
from llmd.server.http import websockets
from llmd.server.http.boundary import bounded
from llmd.server.http.keys import CALLER, SERVICES, SETTINGS, TRUSTED
from llmd.server.http.websockets import Manners, OpenSockets, Socket
from tests.unit.services.conftest import Bench

Client = TestClient[Any, Any]


class Stage:
    """A server whose sockets echo, and what it was told to do otherwise."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.fault: Exception | None = None
        self.opening_fault: LlmdError | None = None
        self.flood = b""

    async def begin(self, socket: Socket) -> websockets.Answer:
        if self.opening_fault:
            raise self.opening_fault
        await socket.send({"hello": True})

        async def answer(caller: Caller, message: bytes) -> None:
            self.began.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            if self.fault:
                raise self.fault
            while self.flood:
                await socket.send_encoded(self.flood)
            await socket.send({"said": message.decode(), "by": caller.client})

        return answer


def encode(error: LlmdError) -> bytes:
    return json.dumps({"error": error.code}).encode()


@pytest.fixture
def stage() -> Stage:
    return Stage()


Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
async def serve(bench: Bench, stage: Stage) -> AsyncIterator[Serve]:
    clients: list[Client] = []

    async def start(**settings: Any) -> Client:
        async def handler(request: web.Request) -> web.StreamResponse:
            request[CALLER] = Caller(client="ann")
            manners = Manners(Scope.GENERATE, stage.begin, encode)
            return await websockets.converse(request, manners)

        application = web.Application()
        application[SERVICES] = bench.services
        application[SETTINGS] = ServerSettings(**settings)
        application[TRUSTED] = True
        websockets.attach(application)
        application.router.add_get("/", bounded(handler, encode))
        client = TestClient(TestServer(application, handler_cancellation=True))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


async def greeted(client: Client) -> ClientWebSocketResponse:
    socket: ClientWebSocketResponse = await client.ws_connect("/")
    assert await socket.receive_json() == {"hello": True}
    return socket


async def test_messages_are_answered_in_their_order(serve: Serve, stage: Stage) -> None:
    socket = await greeted(await serve())
    stage.go.clear()
    for word in ("one", "two"):
        await socket.send_str(word)
    await socket.send_bytes("三".encode())  # what is sent as bytes is JSON too
    stage.go.set()
    said = [(await socket.receive_json())["said"] for _ in range(3)]
    assert said == ["one", "two", "三"]
    await socket.close()


async def test_what_cannot_be_answered_is_an_event_and_the_socket_stays(
    serve: Serve, stage: Stage
) -> None:
    socket = await greeted(await serve())
    for fault, code in ((InvalidRequest("no"), "invalid_request"), (KeyError(), "internal_error")):
        stage.fault = fault
        await socket.send_str("x")
        assert await socket.receive_json() == {"error": code}
    stage.fault = None
    await socket.send_str("x")
    assert (await socket.receive_json())["said"] == "x"
    await socket.close()


async def test_more_messages_than_may_wait_are_refused_one_by_one(
    serve: Serve, stage: Stage
) -> None:
    socket = await greeted(await serve())
    stage.go.clear()
    await socket.send_str("0")
    await stage.began.wait()
    for number in range(1, 11):
        await socket.send_str(str(number))
    assert [await socket.receive_json() for _ in range(2)] == [{"error": "queue_full"}] * 2
    stage.go.set()
    assert [(await socket.receive_json())["said"] for _ in range(9)] == list("012345678")
    await socket.close()


async def test_messages_that_wait_take_no_more_than_one_may(serve: Serve, stage: Stage) -> None:
    socket = await greeted(await serve(max_body=Size(1000)))
    stage.go.clear()
    await socket.send_str("0")
    await stage.began.wait()
    for letter in "ab":
        await socket.send_str(letter * 600)
    assert await socket.receive_json() == {"error": "queue_full"}
    await socket.close()


async def test_a_message_over_the_limit_closes_the_socket(serve: Serve) -> None:
    socket = await greeted(await serve(max_body=Size(1000)))
    await socket.send_str("x" * 1001)
    assert (await socket.receive()).type is WSMsgType.CLOSE
    assert socket.close_code == WSCloseCode.MESSAGE_TOO_BIG


async def test_credentials_are_looked_at_for_every_message(
    bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await serve()
    socket = await client.ws_connect("/?token=abc")
    assert await socket.receive_json() == {"hello": True}
    shown: list[str] = []

    async def identify(credentials: Credentials) -> Caller:
        shown.append(credentials.token)
        raise Unauthorized("Gone.")

    monkeypatch.setattr(bench.services.access, "identify", identify)
    await socket.send_str("x")
    assert await socket.receive_json() == {"error": "unauthorized"}
    assert (await socket.receive()).type is WSMsgType.CLOSE
    assert (socket.close_code, shown) == (WSCloseCode.POLICY_VIOLATION, ["abc"])


async def test_messages_count_as_requests(
    bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await greeted(await serve())
    left = [1]

    def admit(_caller: Caller) -> None:
        if not left:
            raise RateLimited("Too many.", retry_after=1)
        left.pop()

    monkeypatch.setattr(bench.services.limits, "admit", admit)
    for _ in range(2):
        await socket.send_str("x")
    assert (await socket.receive_json())["said"] == "x"
    assert await socket.receive_json() == {"error": "rate_limited"}
    left.append(1)
    await socket.send_str("x")
    assert (await socket.receive_json())["said"] == "x"
    await socket.close()


@pytest.mark.parametrize("abruptly", [False, True])
async def test_a_client_that_leaves_cancels_its_answer(
    serve: Serve, stage: Stage, abruptly: bool
) -> None:
    socket = await greeted(await serve())
    stage.go.clear()
    await socket.send_str("x")
    await socket.send_str("y")
    await stage.began.wait()
    if abruptly:
        assert socket._response.connection
        transport = socket._response.connection.transport
        assert transport
        transport.abort()
    else:
        await socket.close()
    await asyncio.wait_for(stage.cancelled.wait(), 10)


async def test_a_client_that_reads_nothing_is_dropped(serve: Serve, stage: Stage) -> None:
    client = await serve(write_timeout=Duration(0.2))
    socket = await greeted(client)
    stage.flood = b'"' + b"x" * 100_000 + b'"'
    assert socket._response.connection
    assert socket._response.connection.transport
    socket._response.connection.transport.pause_reading()  # type: ignore[attr-defined]
    await socket.send_str("x")
    sockets = client.app[websockets.OPEN_SOCKETS] if client.app else None
    assert sockets
    for _ in range(1000):
        if not sockets._sockets:
            break
        await asyncio.sleep(0.01)
    assert not sockets._sockets
    # who reads nothing hears no goodbye either: closing would wait ten seconds for it
    socket._response.connection.transport.abort()


async def test_a_caller_holds_so_many_sockets_and_no_more(serve: Serve) -> None:
    client = await serve(max_sockets=2)
    first, second = await greeted(client), await greeted(client)
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/")
    assert refused.value.status == 429
    await first.close()
    third = await greeted(client)
    await second.close()
    await third.close()


def test_seats_are_counted_for_each_caller() -> None:
    sockets = OpenSockets()
    with ExitStack() as held:
        held.enter_context(sockets.seat("ann", 1))
        held.enter_context(sockets.seat("bob", 1))
        with pytest.raises(QueueFull):
            held.enter_context(sockets.seat("ann", 1))
    with sockets.seat("ann", 1):
        pass
    assert not sockets._held


async def test_the_end_of_the_daemon_closes_all_sockets(serve: Serve, stage: Stage) -> None:
    client = await serve()
    idle, busy = await greeted(client), await greeted(client)
    stage.go.clear()
    await busy.send_str("x")
    await stage.began.wait()
    assert client.app
    closing = asyncio.ensure_future(client.app.shutdown())
    for socket in (idle, busy):
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.close_code == WSCloseCode.GOING_AWAY
    await closing
    await asyncio.wait_for(stage.cancelled.wait(), 10)


async def test_what_fails_at_the_start_is_told_before_the_socket_closes(
    serve: Serve, stage: Stage
) -> None:
    stage.opening_fault = StorageFailed("No database.")
    socket = await (await serve()).ws_connect("/")
    assert await socket.receive_json() == {"error": "storage_failed"}
    assert (await socket.receive()).type is WSMsgType.CLOSE
    assert socket.close_code == WSCloseCode.TRY_AGAIN_LATER


async def test_other_requests_are_told_what_is_spoken_here(serve: Serve) -> None:
    response = await (await serve()).get("/")
    assert (response.status, await response.json(content_type=None)) == (
        400,
        {"error": "invalid_request"},
    )


async def test_idle_sockets_are_asked_whether_they_live(serve: Serve) -> None:
    client = await serve(ping_interval=Duration(0.1))
    socket = await client.ws_connect("/", autoping=False)
    assert await socket.receive_json() == {"hello": True}
    assert (await socket.receive(timeout=10)).type is WSMsgType.PING
    # it is not answered
    assert (await socket.receive(timeout=10)).type is WSMsgType.CLOSED
    await socket.close()
