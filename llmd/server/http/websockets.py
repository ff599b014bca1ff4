"""WebSockets for all dialects alike: one message is answered at a time, a few more may wait.

Credentials and limits are looked at anew for every message, since a socket outlives them. The
socket is always being read, so that a client that leaves cancels what it had asked for at once,
however much lies unread; a client that reads nothing for `write_timeout` is dropped. A message that
cannot be answered is an error event, and the socket stays open, but for credentials that do not
count any more (1008), messages over `server.max_body` (1009) and the end of the daemon (1001).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from llmd.errors import InvalidRequest, LlmdError, QueueFull, Unauthorized
from llmd.protocol.callers import Caller, Scope
from llmd.server.http.boundary import ClientGone, Encode, translate
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, IDENTITY, SERVICES, SETTINGS

_WAITING = 8
"""Messages that may wait while one is answered."""
_LAST_WORDS = 2.0
"""Seconds that the other end has to answer a close frame."""
_SHORTEST_HEARTBEAT = 1.0


class Socket:
    """An open WebSocket."""

    def __init__(self, response: web.WebSocketResponse[bool], request: web.Request) -> None:
        timeout = request.app[SETTINGS].write_timeout
        self._timeout = timeout if timeout >= 0 else None
        self._response = response
        self._request = request

    async def send(self, body: object) -> None:
        """Send a value as JSON; raise ClientGone when nobody reads it."""
        await self.send_encoded(msgspec.json.encode(body))

    async def send_encoded(self, data: bytes) -> None:
        """Send JSON; raise ClientGone when nobody reads it."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._response.send_frame(data, WSMsgType.TEXT)
        except TimeoutError as error:
            if transport := self._request.transport:
                transport.abort()
            raise ClientGone("the client does not read") from error
        except ConnectionError as error:
            raise ClientGone("the client closed the connection") from error

    async def close(self, code: WSCloseCode, reason: str) -> None:
        """Close with a code; a reason is cut to what a close frame holds."""
        message = reason.encode()[:120].decode("utf-8", "ignore").encode()
        await self._response.close(code=code, message=message)


Answer = Callable[[Caller, bytes], Awaitable[None]]
"""Answers one message; what it raises becomes an error event."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a dialect talks over a WebSocket."""

    scope: Scope
    """What a caller needs for every message."""
    begin: Callable[[Socket], Awaitable[Answer]]
    """Says what comes before any message, and returns what answers them."""
    error: Encode
    """The event that tells of an error."""


class OpenSockets:
    """All WebSockets of one listener, counted by who holds them."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._held: Counter[str] = Counter()

    @contextmanager
    def seat(self, client: str, most: int) -> Iterator[None]:
        """Have a place for one more; raise QueueFull when the caller holds `most` already."""
        if self._held[client] >= most:
            raise QueueFull(
                f"{most} WebSockets are open already.",
                hint="Close one, or raise server.max_sockets.",
                retry_after=5,
            )
        self._held[client] += 1
        try:
            yield
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]

    @contextmanager
    def known(self, socket: Socket) -> Iterator[None]:
        """Have a socket closed when the daemon ends."""
        self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)

    async def close(self) -> None:
        """Close all of them, since the daemon ends."""
        closing = [
            socket.close(WSCloseCode.GOING_AWAY, "llmd is shutting down")
            for socket in self._sockets
        ]
        await asyncio.gather(*closing, return_exceptions=True)


OPEN_SOCKETS: web.AppKey[OpenSockets] = web.AppKey("open_sockets", OpenSockets)


def attach(application: web.Application) -> None:
    """Let an application hold WebSockets, and close them when it ends."""
    application[OPEN_SOCKETS] = sockets = OpenSockets()

    async def close(_application: web.Application) -> None:
        await sockets.close()

    application.on_shutdown.append(close)


class _Inbox:
    """Messages that wait to be answered: a few, and of no more bytes together than one may have."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._messages: deque[bytes] = deque()
        self._filled = asyncio.Event()

    def put(self, message: bytes) -> None:
        """Add a message; raise QueueFull."""
        full = self._messages and self._size + len(message) > self._most
        if full or len(self._messages) >= _WAITING:
            raise QueueFull(
                f"{len(self._messages)} messages of this WebSocket wait already; this one was "
                "thrown away.",
                hint="Wait for an answer before you send more.",
                retry_after=1,
            )
        self._messages.append(message)
        self._size += len(message)
        self._filled.set()

    async def take(self) -> bytes:
        """Wait for a message and return it."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        self._size -= len(message)
        return message


async def converse(request: web.Request, manners: Manners) -> web.StreamResponse:
    """Upgrade a request and answer its messages until one end closes.

    Raises InvalidRequest for a request that is no upgrade, QueueFull where the caller holds too
    many sockets.
    """
    settings = request.app[SETTINGS]
    sockets = request.app[OPEN_SOCKETS]
    response = _response(request)
    with sockets.seat(request[CALLER].client, settings.max_sockets):
        if identity := request.get(IDENTITY):
            response.headers["X-Request-Id"] = identity
        await response.prepare(request)
        socket = Socket(response, request)
        inbox = _Inbox(settings.max_body)
        with sockets.known(socket):
            async with _beside(_answer(request, socket, inbox, manners)):
                await _listen(response, socket, inbox, manners)
    return response


def _response(request: web.Request) -> web.WebSocketResponse[bool]:
    settings = request.app[SETTINGS]
    ping = settings.ping_interval
    response: web.WebSocketResponse[bool] = web.WebSocketResponse(
        timeout=_LAST_WORDS,
        heartbeat=max(float(ping), _SHORTEST_HEARTBEAT) if ping.limited else None,
        compress=False,  # a small frame may unpack to a large one
        max_msg_size=int(settings.max_body),
        decode_text=False,
    )
    if not response.can_prepare(request):
        raise InvalidRequest(
            "This path speaks WebSocket.", hint="Connect with ws:// or wss:// (version 13)."
        )
    return response


@asynccontextmanager
async def _beside(work: Awaitable[None]) -> AsyncIterator[None]:
    """Do something beside the block, and no longer than that."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ClientGone):
            await task


async def _listen(
    response: web.WebSocketResponse[bool], socket: Socket, inbox: _Inbox, manners: Manners
) -> None:
    """Put what comes into the inbox, until the socket is closed."""
    async for message in response:
        if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
            try:
                inbox.put(message.data)
            except QueueFull as error:
                with contextlib.suppress(ClientGone):
                    await socket.send_encoded(manners.error(error))


async def _answer(request: web.Request, socket: Socket, inbox: _Inbox, manners: Manners) -> None:
    """Answer what is in the inbox, for ever."""
    try:
        answer = await manners.begin(socket)
    except LlmdError as error:
        await socket.send_encoded(manners.error(error))
        await socket.close(WSCloseCode.TRY_AGAIN_LATER, error.message)
        return
    while True:
        message = await inbox.take()
        try:
            await _answer_one(request, answer, message, manners.scope)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  the boundary, as for HTTP
            translated = translate(error)
            await socket.send_encoded(manners.error(translated))
            if isinstance(translated, Unauthorized):
                await socket.close(WSCloseCode.POLICY_VIOLATION, translated.message)


async def _answer_one(request: web.Request, answer: Answer, message: bytes, scope: Scope) -> None:
    """Answer a message to whoever sends it now that it comes."""
    services = request.app[SERVICES]
    caller = await services.access.identify(credentials(request))
    services.access.permit(caller, scope)
    services.limits.admit(caller)
    with services.limits.occupy(caller):
        await answer(caller, message)
