"""Paths of the native API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from aiohttp import web

from llmd.errors import LlmdError
from llmd.protocol.callers import Scope
from llmd.protocol.models import LoadedModel, LoadProgress
from llmd.server.dialects.native import convert, errors, schema
from llmd.server.http.body import read_json
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get, post
from llmd.server.http.streaming import finished, open_stream
from llmd.services.variants import VariantEvent


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )


async def health(request: web.Request) -> web.Response:
    """Tell whether requests are taken: 200, or 503 while draining."""
    body = convert.health(request.app[SERVICES].status.report())
    return _json(body, 200 if body.status == "healthy" else 503)


async def metrics(request: web.Request) -> web.Response:
    """Return the Prometheus text format."""
    body = request.app[SERVICES].metrics.render()
    return web.Response(
        body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


async def list_models(request: web.Request) -> web.Response:
    """List registered models, loaded or not."""
    services = request.app[SERVICES]
    manifests = await services.library.models()
    default = services.library.default_chat()
    return _json(convert.models(manifests, services.residents.models(), default))


async def load_model(request: web.Request) -> web.StreamResponse:
    """Load a model, in a quantisation that may have to be fetched or made first."""
    order = await read_json(request, schema.Load)
    name = request.match_info["name"]
    events = request.app[SERVICES].variants.load(name, order.quantization, order.options())
    async with aclosing(events):
        if order.stream:
            return await _stream(request, await anext(events), events)
        place = None
        async for event in events:
            place = event.model if isinstance(event, LoadProgress) else None
    return _json(await _loaded(request, place))


async def _stream(
    request: web.Request, first: VariantEvent, events: AsyncGenerator[VariantEvent]
) -> web.StreamResponse:
    """Answer in JSON lines; what fails before the first one is an ordinary error answer."""
    async with open_stream(request, "application/x-ndjson") as stream:
        event = first
        try:
            await stream.send(msgspec.json.encode(convert.step(event)) + b"\n")
            async for event in events:
                await stream.send(msgspec.json.encode(convert.step(event)) + b"\n")
            place = event.model if isinstance(event, LoadProgress) else None
            await stream.send(msgspec.json.encode(await _loaded(request, place)) + b"\n")
        except LlmdError as error:
            await stream.send(errors.encode(error) + b"\n")
    return finished(request)


async def _loaded(request: web.Request, place: LoadedModel | None) -> schema.Loaded:
    if place is None:
        raise AssertionError("loading ends with a model or raises")
    return convert.loaded(await request.app[SERVICES].library.get(place.name), place)


async def unload_model(request: web.Request) -> web.Response:
    """Take a model out of memory."""
    order = await read_json(request, schema.Unload)
    services = request.app[SERVICES]
    manifest = await services.library.get(request.match_info["name"])
    await services.residents.unload(manifest.name, everything=False, force=order.force)
    return _json(convert.unloaded(manifest))


ROUTES = (
    get("/health", health, None, answer=schema.Health),
    get("/metrics", metrics, Scope.METRICS),
    get("/models", list_models, Scope.MODELS_READ, answer=schema.Models),
    post(
        "/models/{name:.+}/load",
        load_model,
        Scope.MODELS_WRITE,
        body=schema.Load,
        answer=schema.Loaded,
        events=schema.Step,
    ),
    post(
        "/models/{name:.+}/unload",
        unload_model,
        Scope.MODELS_WRITE,
        body=schema.Unload,
        answer=schema.Loaded,
    ),
)
