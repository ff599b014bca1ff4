"""Paths of the control calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

import msgspec
from aiohttp import web

from llmd.errors import LlmdError
from llmd.server.dialects.control import convert, errors, schema
from llmd.server.http.body import read_json
from llmd.server.http.keys import SERVICES
from llmd.server.http.streaming import finished, open_stream

T = TypeVar("T")


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


async def _lines(
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


async def status(request: web.Request) -> web.Response:
    """Report on the daemon."""
    services = request.app[SERVICES]
    models = await services.library.models()
    return _json({**msgspec.to_builtins(services.status.report()), "models": len(models)})


async def stop(request: web.Request) -> web.Response:
    """Shut the daemon down."""
    order = await read_json(request, schema.Stop)
    request.app[SERVICES].shutdown(order.mode == "now")
    return _json({"state": "draining"})


async def list_models(request: web.Request) -> web.Response:
    """List registered models."""
    library = request.app[SERVICES].library
    return _json(schema.ModelList(await library.models(), library.default_chat()))


async def show_model(request: web.Request) -> web.Response:
    """Describe one model."""
    library = request.app[SERVICES].library
    manifest = await library.get(request.match_info["name"])
    metadata = await library.metadata(manifest)
    return _json(convert.model_card(manifest, library.loaded(manifest.name), metadata))


async def remove_model(request: web.Request) -> web.Response:
    """Forget one model."""
    return _json(await request.app[SERVICES].library.remove(request.match_info["name"]))


async def import_model(request: web.Request) -> web.Response:
    """Register a local file."""
    order = await read_json(request, schema.Import)
    library = request.app[SERVICES].library
    return _json(await library.add(order.path, order.name, order.projector, order.pooling))


async def add_adapter(request: web.Request) -> web.Response:
    """Give a model an adapter."""
    order = await read_json(request, schema.AddAdapter)
    return _json(
        await request.app[SERVICES].adapters.add(
            order.model, order.path, order.name, order.scale, default=order.default
        )
    )


async def remove_adapter(request: web.Request) -> web.Response:
    """Take an adapter from a model."""
    order = await read_json(request, schema.RemoveAdapter)
    return _json(await request.app[SERVICES].adapters.remove(order.model, order.name))


async def copy_model(request: web.Request) -> web.Response:
    """Give a model a second name."""
    order = await read_json(request, schema.Copy)
    return _json(await request.app[SERVICES].library.copy(order.source, order.target))


async def pull(request: web.Request) -> web.StreamResponse:
    """Download a model."""
    order = await read_json(request, schema.Pull)
    return await _lines(request, request.app[SERVICES].pulls.pull(order.name), convert.pull_line)


async def load(request: web.Request) -> web.StreamResponse:
    """Load a model."""
    order = await read_json(request, schema.Load)
    return await _lines(request, request.app[SERVICES].residents.load(order.model), convert.line)


async def unload(request: web.Request) -> web.Response:
    """Unload one model or all."""
    order = await read_json(request, schema.Unload)
    residents = request.app[SERVICES].residents
    return _json(
        {"unloaded": await residents.unload(order.model, everything=order.all, force=order.force)}
    )


async def ps(request: web.Request) -> web.Response:
    """List loaded models."""
    return _json(schema.LoadedList(request.app[SERVICES].residents.models()))


async def list_requests(request: web.Request) -> web.Response:
    """List requests under way and the latest of those that ended."""
    return _json(request.app[SERVICES].requests.list())


ROUTES = (
    web.get("/status", status),
    web.post("/stop", stop),
    web.get("/models", list_models),
    web.post("/models/import", import_model),
    web.post("/models/copy", copy_model),
    web.get("/models/{name:.+}", show_model),
    web.delete("/models/{name:.+}", remove_model),
    web.post("/adapters/add", add_adapter),
    web.post("/adapters/remove", remove_adapter),
    web.post("/pull", pull),
    web.post("/load", load),
    web.post("/unload", unload),
    web.get("/ps", ps),
    web.get("/requests", list_requests),
)
