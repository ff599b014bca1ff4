"""Paths of the OpenAI-compatible API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from aiohttp import web

from llmd.errors import LlmdError
from llmd.protocol.events import Accepted
from llmd.protocol.models import Kind, ModelManifest
from llmd.protocol.requests import GenerateRequest
from llmd.server.dialects.openai import errors, schema
from llmd.server.dialects.openai.convert import answers, requests
from llmd.server.http.body import read_json
from llmd.server.http.keys import SERVICES
from llmd.server.http.streaming import finished, open_stream
from llmd.services.generation import Indexed

_DROPPED = "X-LLMD-Dropped-Tokens"


def _json(body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    services = request.app[SERVICES]
    asked = await read_json(request, schema.ChatRequest)
    wanted = requests.chat_requests(asked, services.sampling)
    model = services.generation.resolve(asked.model)
    return await _answer(
        request, asked, model, wanted, answers.ChatAnswer(model.name, len(wanted), asked)
    )


async def completions(request: web.Request) -> web.StreamResponse:
    """Continue a text."""
    services = request.app[SERVICES]
    asked = await read_json(request, schema.CompletionRequest)
    wanted = requests.completion_requests(asked, services.sampling)
    model = services.generation.resolve(asked.model)
    return await _answer(
        request, asked, model, wanted, answers.TextAnswer(model.name, len(wanted), asked)
    )


async def _answer(
    request: web.Request,
    asked: schema.Options,
    model: ModelManifest,
    wanted: list[GenerateRequest],
    answer: answers.Answer,
) -> web.StreamResponse:
    async with aclosing(request.app[SERVICES].generation.stream(model, wanted)) as events:
        # headers wait until every prompt is known to fit, so that a refusal still gets its status
        dropped, early = await _accepted(events, len(wanted))
        headers = {_DROPPED: str(dropped)} if dropped else {}
        later = _chain(early, events)
        if asked.stream:
            return await _stream(request, later, answer, headers)
        async for index, event in later:
            answer.take(index, event)
        return _json(answer.whole(), headers)


async def _accepted(events: AsyncGenerator[Indexed], expected: int) -> tuple[int, list[Indexed]]:
    """Read until every prompt was accepted; return the tokens dropped from prompts, and what else
    came meanwhile.
    """
    dropped = 0
    early: list[Indexed] = []
    while expected:
        index, event = await anext(events)
        if isinstance(event, Accepted):
            expected -= 1
            dropped += event.dropped_tokens
        else:
            early.append((index, event))
    return dropped, early


async def _chain(early: list[Indexed], events: AsyncGenerator[Indexed]) -> AsyncGenerator[Indexed]:
    for indexed in early:
        yield indexed
    async for indexed in events:
        yield indexed


async def _stream(
    request: web.Request,
    events: AsyncGenerator[Indexed],
    answer: answers.Answer,
    headers: dict[str, str],
) -> web.StreamResponse:
    async with open_stream(request, "text/event-stream", headers) as stream:
        await stream.send(b"".join(map(_sse, answer.opening())))
        try:
            async for index, event in events:
                answer.take(index, event)
                for chunk in answer.chunks(index, event):
                    await stream.send(_sse(chunk))
            await stream.send(b"".join(map(_sse, answer.closing())) + b"data: [DONE]\n\n")
        except LlmdError as error:
            await stream.send(b"data: " + errors.encode(error) + b"\n\n")
    return finished(request)


def _sse(chunk: schema.Completion) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


async def embeddings(request: web.Request) -> web.Response:
    """Make vectors."""
    generation = request.app[SERVICES].generation
    asked = await read_json(request, schema.EmbeddingRequest)
    native = requests.embed_request(asked)
    model = generation.resolve(asked.model, Kind.EMBEDDING)
    return _json(answers.embedding_list(asked, model, await generation.embed(model, native)))


async def models(request: web.Request) -> web.Response:
    """List models."""
    manifests = await request.app[SERVICES].library.models()
    return _json(schema.ModelObjects([answers.model_object(manifest) for manifest in manifests]))


async def model(request: web.Request) -> web.Response:
    """Describe one model."""
    manifest = await request.app[SERVICES].library.get(request.match_info["name"])
    return _json(answers.model_object(manifest))


ROUTES = (
    web.post("/chat/completions", chat_completions),
    web.post("/completions", completions),
    web.post("/embeddings", embeddings),
    web.get("/models", models),
    web.get("/models/{name:.+}", model),
)
