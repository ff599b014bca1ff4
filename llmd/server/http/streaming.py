"""Answers that come bit by bit: server-sent events and JSON lines.

A client that takes no byte for `write_timeout` is dropped, which cancels its request; while there
is nothing to say, SSE streams carry a comment every `ping_interval`, so that proxies and clients do
not give up during a long prefill.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from llmd.server.http.boundary import ClientGone
from llmd.server.http.keys import IDENTITY, SETTINGS, STREAM

_PING = b": ping\n\n"
_AT_ONCE = 16384
"""Bytes that every transport takes over without making its writer wait."""


class Stream:
    """A response under way."""

    def __init__(
        self, response: web.StreamResponse, request: web.Request, write_timeout: float
    ) -> None:
        self._response = response
        self._request = request
        self._timeout = write_timeout if write_timeout >= 0 else None
        self._quiet = True

    async def send(self, data: bytes) -> None:
        """Write; raise ClientGone when the client is, or reads nothing for too long."""
        self._quiet = False
        try:
            if self._flows(data):
                await self._response.write(data)
                return
            async with asyncio.timeout(self._timeout):
                await self._response.write(data)
        except TimeoutError as error:
            if transport := self._request.transport:
                transport.abort()
            raise ClientGone("the client does not read") from error
        except ConnectionError as error:
            raise ClientGone("the client closed the connection") from error

    def _flows(self, data: bytes) -> bool:
        """Whether writing cannot block: a timer for each token would cost more than the token."""
        transport = self._request.transport
        return transport is not None and transport.get_write_buffer_size() + len(data) < _AT_ONCE

    async def ping(self, interval: float, sign: bytes) -> None:
        """Write a sign of life while nothing else is written, for ever."""
        while True:
            await asyncio.sleep(interval)
            if self._quiet:
                await self.send(sign)
            self._quiet = True


@asynccontextmanager
async def open_stream(
    request: web.Request,
    content_type: str,
    headers: Mapping[str, str] | None = None,
    sign: bytes = _PING,
) -> AsyncIterator[Stream]:
    """Send the headers, hand out the stream, end it; `sign` is what an SSE stream carries while
    there is nothing to say.
    """
    response = web.StreamResponse(
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **(headers or {})}
    )
    if identity := request.get(IDENTITY):
        response.headers["X-Request-Id"] = identity
    response.content_type = content_type
    response.charset = "utf-8"
    await response.prepare(request)
    settings = request.app[SETTINGS]
    stream = Stream(response, request, settings.write_timeout)
    pings = content_type == "text/event-stream" and settings.ping_interval.limited
    pinger = asyncio.ensure_future(stream.ping(settings.ping_interval, sign)) if pings else None
    try:
        yield stream
        with contextlib.suppress(ConnectionError):
            await response.write_eof()
    finally:
        if pinger:
            pinger.cancel()
            with contextlib.suppress(asyncio.CancelledError, ClientGone):
                await pinger
        request[STREAM] = response


def finished(request: web.Request) -> web.StreamResponse:
    """Return the response that `open_stream` made, for the handler to return."""
    return request[STREAM]
