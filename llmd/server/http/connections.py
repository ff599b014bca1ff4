"""Connections of clients that are too many or too slow.

aiohttp has no such limits, so a protocol stands before its own: it counts connections, and knows
since when the head or the body of a request is on its way. Once in a while all are looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import msgspec
from aiohttp import StreamReader, web

from llmd.config.settings import ServerSettings
from llmd.server.http.boundary import SlowBody
from llmd.services.connections import Connections

_PACE = 16 * 1024
"""Bytes of a body that give it one more second."""
_LOOK = 1.0
_LAST_WORDS = 1.0


class Watch:
    """All connections of one listener."""

    def __init__(
        self, connections: Connections, settings: ServerSettings, *, trusted: bool
    ) -> None:
        """Those of a `trusted` listener, the owner's, are counted and nothing else."""
        self._connections = connections
        self._trusted = trusted
        self.header_timeout = settings.header_timeout
        self.body_timeout = settings.body_timeout
        self._guards: dict[asyncio.BaseProtocol, Guard] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look at connections from now on, until `stop`."""
        limits = [limit for limit in (self.header_timeout, self.body_timeout) if limit.limited]
        if limits and not self._trusted:
            pause = min(_LOOK, *(limit / 4 for limit in limits))
            self._timer = asyncio.get_running_loop().call_later(pause, self._look, pause)

    def stop(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer.cancel()

    def protocol(self, inner: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """Make the protocol of a new connection."""
        return Guard(inner(), self)

    def guard(self, request: web.Request) -> Guard | None:
        """Return what watches the connection of a request."""
        return self._guards.get(request.protocol)

    def enter(self, guard: Guard) -> bool:
        """Count a connection; False: there are too many."""
        if not self._connections.enter(trusted=self._trusted):
            return False
        self._guards[guard.inner] = guard
        return True

    def leave(self, guard: Guard) -> None:
        """Count it no more."""
        if self._guards.pop(guard.inner, None):
            self._connections.leave(trusted=self._trusted)

    def _look(self, pause: float) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for guard in list(self._guards.values()):
            guard.judge(now)
        self._timer = loop.call_later(pause, self._look, pause)


class Guard(asyncio.Protocol):
    """Stands between a connection and aiohttp's protocol."""

    __slots__ = (
        "_body",
        "_busy",
        "_came",
        "_gone",
        "_loop",
        "_since",
        "_transport",
        "_watch",
        "inner",
        "late",
    )

    def __init__(self, inner: asyncio.Protocol, watch: Watch) -> None:
        self.inner = inner
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._busy = False
        self._since: float | None = None
        """When the head, or while a request is answered its body, began to come."""
        self._came = 0
        self._body: StreamReader | None = None
        self._gone = asyncio.Event()
        self.late = False
        """Whether the body came too slowly; what still comes of it is dropped."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or refuse it."""
        made = cast("asyncio.Transport", transport)
        if not self._watch.enter(self):
            _refuse(made, 503, "too_many_connections", "Too many connections are open.")
            self._loop.call_later(_LAST_WORDS, made.abort)
            return
        self._transport = made
        self._since = self._loop.time()
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        if self._transport is None or self.late:
            return  # it was refused, and the client has not noticed yet
        self._came += len(data)
        if self._since is None and not self._busy:
            self._since = self._loop.time()
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand it on."""
        return self.inner.eof_received() if self._transport else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._gone.set()
        if self._transport is not None:
            self._watch.leave(self)
            self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand it on."""
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand it on."""
        self.inner.resume_writing()

    def begin(self, body: StreamReader) -> None:
        """Know that the head of a request is there."""
        self._busy = True
        self._body = None if body.is_eof() else body
        self._since = self._loop.time() if self._body else None

    def end(self) -> None:
        """Know that a request was answered."""
        self._busy = False
        self._body = None
        self._since = None
        self._came = 0

    async def part(self, request: web.Request, response: web.StreamResponse) -> None:
        """Answer a client that is `late`, and let it read that: closing a connection on which
        something still comes resets it, and some clients then never see the answer.
        """
        await response.prepare(request)
        await response.write_eof()
        if self._transport and self._transport.can_write_eof():
            self._transport.write_eof()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), _LAST_WORDS)

    def judge(self, now: float) -> None:
        """Drop a client that is too slow."""
        if self._since is None or self._transport is None:
            return
        if not self._busy:
            self._judge_head(now - self._since, self._transport)
        elif self._body is None or self._body.is_eof():
            self._since = None
        else:
            self._judge_body(now - self._since, self._body)

    def _judge_body(self, age: float, body: StreamReader) -> None:
        limit = self._watch.body_timeout
        if limit.limited and age > limit + self._came / _PACE:
            self.late = True
            body.set_exception(SlowBody())
            self._since = None

    def _judge_head(self, age: float, transport: asyncio.Transport) -> None:
        limit = self._watch.header_timeout
        if not (limit.limited and age > limit):
            return
        if self._came:
            _refuse(transport, 408, "request_timeout", "The head of the request came too slowly.")
        transport.close()
        self._since = None


def _refuse(transport: asyncio.Transport, status: int, code: str, message: str) -> None:
    """Say why no request was read: in no dialect, since none is known yet."""
    told = {"code": code, "message": message, "type": "api_error", "param": None}
    body = msgspec.json.encode({"error": told, "detail": message})
    reason = "Request Timeout" if status == 408 else "Service Unavailable"  # noqa: PLR2004  HTTP's
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    )
    transport.write(head.encode() + body)
    if transport.can_write_eof():
        transport.write_eof()


class GuardedSite(web.BaseSite):
    """A TCP address, or a socket that is bound already, whose connections are watched."""

    __slots__ = ("_watch", "_where")

    def __init__(self, runner: web.BaseRunner, watch: Watch, backlog: int, **where: Any) -> None:
        """`where` is `host` and `port`, or `sock`, as the event loop's `create_server` has them."""
        super().__init__(runner, backlog=backlog)
        self._watch = watch
        self._where = where

    @property
    def name(self) -> str:
        """What aiohttp calls it."""
        return f"watched:{self._where}"

    async def start(self) -> None:
        """Listen; raise OSError when the address cannot be had."""
        await super().start()
        server = self._runner.server
        assert server is not None  # noqa: S101  the base has seen to that
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            partial(self._watch.protocol, server), backlog=self._backlog, **self._where
        )
        self._watch.start()

    async def stop(self) -> None:
        """Take no new connection."""
        self._watch.stop()
        await super().stop()
