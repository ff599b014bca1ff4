"""Conversations, over HTTP and over a WebSocket."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial

import msgspec
from aiohttp import web

from llmd.protocol.callers import Caller, Scope
from llmd.server.completions import exchange
from llmd.server.completions.answering import Manner, respond
from llmd.server.completions.gathering import with_usage
from llmd.server.dialects.platform import convert, errors, schema
from llmd.server.http.body import decode_json, read_json
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.websockets import Answer, Manners, Socket, converse
from llmd.services.bundle import Services

_MANNER = Manner(error=errors.encode, whole=convert.envelope)


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    asked = await read_json(request, schema.ChatRequest)
    opening = exchange.chat(request.app[SERVICES], request[CALLER], asked)
    return await respond(request, opening, _MANNER, streams=bool(asked.stream))


async def chat_stream(request: web.Request) -> web.StreamResponse:
    """Answer conversations over a WebSocket."""
    services = request.app[SERVICES]

    async def begin(socket: Socket) -> Answer:
        return partial(_answer, services, socket)

    return await converse(request, Manners(Scope.GENERATE, begin, errors.encode))


async def _answer(services: Services, socket: Socket, caller: Caller, message: bytes) -> None:
    """Answer one conversation in chunks, of which the one with a `finish_reason` is the last."""
    asked = decode_json(message, schema.ChatRequest)
    # over a socket all answers are streams, as clients expect that say nothing of it
    asked = msgspec.structs.replace(asked, stream=True)
    async with (
        exchange.chat(services, caller, asked) as under_way,
        aclosing(with_usage(under_way.chunks())) as chunks,
    ):
        async for chunk in chunks:
            await socket.send(chunk)
