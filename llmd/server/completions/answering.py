"""Exchanges over HTTP: one JSON object, or server-sent events that end with `[DONE]`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import msgspec
from aiohttp import web

from llmd.errors import LlmdError
from llmd.protocol.events import Queued
from llmd.server.completions import schema
from llmd.server.completions.convert import line
from llmd.server.completions.exchange import Exchange
from llmd.server.http.boundary import Encode
from llmd.server.http.streaming import finished, open_stream

_encoder = msgspec.json.Encoder()

Wrap = Callable[[schema.Completion], object]


def unwrapped(completion: schema.Completion) -> object:
    """Return it as it is."""
    return completion


@dataclass(frozen=True, slots=True)
class Manner:
    """How a dialect shows an answer."""

    error: Encode
    """What a stream says when it fails half way."""
    whole: Wrap = unwrapped
    """What is sent of a whole answer."""
    chunk: Wrap = unwrapped
    """What is sent of a piece of a stream."""


async def respond(
    request: web.Request,
    opening: AbstractAsyncContextManager[Exchange],
    manner: Manner,
    *,
    streams: bool,
) -> web.StreamResponse:
    """Answer a request in a dialect's manner."""
    async with opening as exchange:
        if streams:
            return await _stream(request, exchange, manner)
        body = msgspec.json.encode(manner.whole(await exchange.whole()))
        return web.Response(body=body, content_type="application/json", headers=exchange.headers)


async def _stream(request: web.Request, exchange: Exchange, manner: Manner) -> web.StreamResponse:
    async with open_stream(request, "text/event-stream", exchange.headers) as stream:
        try:
            async for chunk in exchange.chunks():
                if isinstance(chunk, Queued):
                    await stream.send(line.comment(chunk))
                else:
                    await stream.send(_event(_encoder.encode(manner.chunk(chunk))))
            await stream.send(_event(b"[DONE]"))
        except LlmdError as error:
            await stream.send(_event(manner.error(error)))
    return finished(request)


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
