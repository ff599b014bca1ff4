"""Paths of the native API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing

import msgspec
from aiohttp import web

from llmd.errors import LlmdError
from llmd.protocol.callers import Scope
from llmd.protocol.models import LoadedModel, LoadProgress
from llmd.server.completions import exchange
from llmd.server.completions.exchange import Exchange
from llmd.server.completions.gathering import gathered
from llmd.server.completions.schema import ChatRequest, Completion
from llmd.server.dialects.native import errors, schema
from llmd.server.dialects.native.convert import generating, state
from llmd.server.http.body import decode_json, read_json
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post
from llmd.server.http.streaming import finished, open_stream
from llmd.services.variants import VariantEvent

_BATCH_AT_ONCE = 64
"""Requests of one batch under way: enough to fill any model, few enough to leave places in line."""
_GAP = 0.02
"""Seconds between the events of a stream: long enough for a client to read each by itself, too
short for anybody to see.
"""
_COME_BACK = {429, 503}


def _json(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers=headers,
    )


async def health(request: web.Request) -> web.Response:
    """Tell whether requests are taken: 200, or 503 while draining."""
    body = state.health(request.app[SERVICES].status.report())
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
    return _json(state.models(manifests, services.residents.models(), default))


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
            await stream.send(msgspec.json.encode(state.step(event)) + b"\n")
            async for event in events:
                await stream.send(msgspec.json.encode(state.step(event)) + b"\n")
            place = event.model if isinstance(event, LoadProgress) else None
            await stream.send(msgspec.json.encode(await _loaded(request, place)) + b"\n")
        except LlmdError as error:
            await stream.send(errors.encode(error) + b"\n")
    return finished(request)


async def _loaded(request: web.Request, place: LoadedModel | None) -> schema.Loaded:
    if place is None:
        raise AssertionError("loading ends with a model or raises")
    library = request.app[SERVICES].library
    return state.loaded(await library.get(place.name), place, library.default_chat())


async def unload_model(request: web.Request) -> web.Response:
    """Take a model out of memory."""
    order = await read_json(request, schema.Unload)
    services = request.app[SERVICES]
    manifest = await services.library.get(services.library.meant(request.match_info["name"]))
    await services.residents.unload(manifest.name, everything=False, force=order.force)
    return _json(state.unloaded(manifest, services.library.default_chat()))


async def generate(request: web.Request) -> web.StreamResponse:
    """Answer a prompt."""
    asked = await read_json(request, schema.Generate)
    return await (_tokens if asked.stream else _whole)(request, asked)


async def generate_stream(request: web.Request) -> web.StreamResponse:
    """Answer a prompt token by token, as server-sent events."""
    return await _tokens(request, await read_json(request, schema.Generate))


def _open(request: web.Request, asked: schema.Generate) -> AbstractAsyncContextManager[Exchange]:
    services, caller = request.app[SERVICES], request[CALLER]
    wanted = generating.asked(asked)
    if isinstance(wanted, ChatRequest):
        return exchange.chat(services, caller, wanted)
    return exchange.text(services, caller, wanted)


async def _whole(request: web.Request, asked: schema.Generate) -> web.Response:
    started = time.monotonic()
    async with _open(request, asked) as answer:
        whole = await answer.whole()
        body = generating.generated(whole, time.monotonic() - started)
        return _json(body, headers=answer.headers)


async def _tokens(request: web.Request, asked: schema.Generate) -> web.StreamResponse:
    """Write events and nothing else, with a gap after each, since there are clients that take every
    read for one event. What comes meanwhile melts into the next.
    """
    started = time.monotonic()
    silence = _event(generating.SILENCE)
    async with (
        _open(request, asked) as answer,
        open_stream(request, "text/event-stream", answer.headers, silence) as stream,
    ):
        try:
            async with aclosing(_events(answer, started)) as events:
                async for event in events:
                    await stream.send(_event(event))
                    await asyncio.sleep(0 if event.finished else _GAP)
        except LlmdError as error:
            await stream.send(_event(generating.broken(errors.problem(error))))
    return finished(request)


async def _events(answer: Exchange, started: float) -> AsyncGenerator[schema.Token]:
    progress = generating.Progress()
    async with aclosing(answer.chunks()) as chunks, aclosing(gathered(chunks)) as groups:
        async for found in groups:
            pieces = [piece for piece in found if isinstance(piece, Completion)]
            if event := progress.take(pieces):
                yield event
    yield progress.end(time.monotonic() - started)


def _event(token: schema.Token) -> bytes:
    return b"data: " + msgspec.json.encode(token) + b"\n\n"


async def generate_batch(request: web.Request) -> web.Response:
    """Answer several prompts at once, in their order; one that fails spoils no other."""
    batch = await read_json(request, schema.Batch)
    started, turns = time.monotonic(), asyncio.Semaphore(_BATCH_AT_ONCE)

    async def answer(body: msgspec.Raw) -> schema.Generated | LlmdError:
        try:
            asked = generating.patient(decode_json(bytes(body), schema.Generate))
            async with turns, _open(request, asked) as opened:
                whole = await opened.whole()
        except LlmdError as error:
            return error
        return generating.generated(whole, time.monotonic() - started)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(answer(body)) for body in batch.requests]
    answers = [task.result() for task in tasks]
    failures = [one for one in answers if isinstance(one, LlmdError)]
    if len(failures) == len(answers) and {one.status for one in failures} <= _COME_BACK:
        raise failures[0]
    return _json(schema.Results([generating.result(_shown(one)) for one in answers]))


def _shown(answer: schema.Generated | LlmdError) -> schema.Generated | errors.Problem:
    return errors.problem(answer) if isinstance(answer, LlmdError) else answer


ROUTES = (
    post(
        "/generate",
        generate,
        Scope.GENERATE,
        body=schema.Generate,
        answer=schema.Generated,
        events=schema.Token,
    ),
    post(
        "/generate/stream",
        generate_stream,
        Scope.GENERATE,
        body=schema.Generate,
        events=schema.Token,
    ),
    post(
        "/batch/generate",
        generate_batch,
        Scope.GENERATE,
        body=schema.Batch,
        answer=schema.Results,
    ),
    get("/health", health, None, answer=schema.Health, others={503: schema.Health}),
    get("/metrics", metrics, Scope.METRICS),
    get("/models", list_models, Scope.MODELS_READ, answer=schema.Models),
    post(
        "/models/{name:.+}/load",
        load_model,
        Scope.MODELS_WRITE,
        body=schema.Load,
        answer=schema.Loaded,
        events=schema.Step,
        streams_as="application/x-ndjson",
    ),
    post(
        "/models/{name:.+}/unload",
        unload_model,
        Scope.MODELS_WRITE,
        body=schema.Unload,
        answer=schema.Loaded,
    ),
)
