"""How control calls answer: one JSON document, or JSON lines while something goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

import msgspec
from aiohttp import web

from llmd.errors import LlmdError
from llmd.server.dialects.control import errors
from llmd.server.http.streaming import finished, open_stream

T = TypeVar("T")


def json(body: object) -> web.Response:
    """Return one JSON document."""
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


async def lines(
    request: web.Request, events: AsyncGenerator[T], encode: Callable[[T], bytes]
) -> web.StreamResponse:
    """Stream events as JSON lines; what fails before the first one is an ordinary error answer."""
    async with aclosing(events):
        first = await anext(events)
        async with open_stream(request, "application/x-ndjson") as stream:
            await stream.send(encode(first))
            try:
                async for event in events:
                    await stream.send(encode(event))
            except LlmdError as error:
                await stream.send(errors.encode(error) + b"\n")
    return finished(request)
