"""Paths of the OpenAI-compatible API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
from aiohttp import web

from llmd.config.settings import MediaSettings
from llmd.errors import LlmdError
from llmd.models.presets import effect
from llmd.protocol.events import Accepted, Queued
from llmd.protocol.models import Kind, ModelManifest, SamplingDefaults
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import (
    Embeddings,
    Ranking,
    Render,
    Rendered,
    Score,
    Scores,
    Tokens,
)
from llmd.protocol.requests import ChatPrompt, GenerateRequest, Prompt
from llmd.server.dialects.openai import errors, schema
from llmd.server.dialects.openai.convert import (
    answers,
    constraints,
    line,
    media,
    requests,
    texts,
    tokens,
    vectors,
    wishes,
)
from llmd.server.http.body import read_json
from llmd.server.http.callers import caller, is_owner
from llmd.server.http.keys import IDENTITY, SERVICES
from llmd.server.http.remote_media import fetch
from llmd.server.http.streaming import finished, open_stream
from llmd.services.bundle import Services
from llmd.services.generation import Indexed


def _json(body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )


def _usual(services: Services, model: ModelManifest) -> SamplingDefaults:
    return effect.sampling(services.sampling, model.preset.sampling)


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    services = request.app[SERVICES]
    asked = await read_json(request, schema.ChatRequest)
    sources = media.sources(asked, services.media)
    model = services.generation.resolve(asked.model, media=bool(sources))
    wanted = requests.chat_requests(asked, _usual(services, model))
    if sources:
        media.check(sources, model)
        wanted = media.attached(wanted, await _contents(sources, services.media))
    return await _answer(
        request, asked, model, wanted, answers.ChatAnswer(model.name, len(wanted), asked)
    )


async def _contents(sources: Sequence[media.Source], settings: MediaSettings) -> list[bytes]:
    """Return the bytes of all media, fetching what is named by URL."""
    remote = [(source.where, source.url) for source in sources if source.url]
    fetched = iter(await fetch(remote, settings))
    return [next(fetched) if source.url else source.data for source in sources]


async def completions(request: web.Request) -> web.StreamResponse:
    """Continue a text."""
    services = request.app[SERVICES]
    asked = await read_json(request, schema.CompletionRequest)
    model = services.generation.resolve(asked.model)
    wanted = requests.completion_requests(asked, _usual(services, model))
    echoes = [await _echo(request, asked, model, prompt) for prompt in requests.prompts(asked)]
    return await _answer(request, asked, model, wanted, texts.TextAnswer(model.name, asked, echoes))


async def _echo(
    request: web.Request, asked: schema.CompletionRequest, model: ModelManifest, prompt: Prompt
) -> texts.Echo:
    question = texts.echo_question(asked, prompt)
    if question is None:
        return texts.echo(asked, prompt, None)
    ask = request.app[SERVICES].generation.ask
    if isinstance(question, Score):
        return texts.echo(asked, prompt, await ask(model, question, Scores))
    return texts.echo(asked, prompt, await ask(model, question, Tokens))


async def _answer(
    request: web.Request,
    asked: schema.Options,
    model: ModelManifest,
    wanted: list[GenerateRequest],
    answer: answers.Answer,
) -> web.StreamResponse:
    client, owner = caller(request, requests.user(asked)), is_owner(request)
    wanted = [msgspec.structs.replace(one, client=client) for one in wanted]
    services, wish = request.app[SERVICES], wishes.wish(asked)
    services.residents.admit(model, wish, wishes.mismatch(asked))
    streaming = services.generation.stream(model, wanted, request.get(IDENTITY, ""), wish)
    async with aclosing(streaming) as events:
        # headers wait until every prompt is known to fit, so that a refusal still gets its status
        accepted, early = await _accepted(events, len(wanted))
        later = _chain(early, events, discreet=not owner)
        headers = line.headers(accepted)
        headers |= wishes.headers(services.residents.unmet(model, wish))
        if asked.stream:
            return await _stream(request, later, answer, headers)
        async for index, event in later:
            answer.take(index, event)
        return _json(answer.whole(), headers)


async def _accepted(
    events: AsyncGenerator[Indexed], expected: int
) -> tuple[list[Accepted], list[Indexed]]:
    """Read until every prompt was accepted; return how they were, and what else came meanwhile."""
    accepted: list[Accepted] = []
    early: list[Indexed] = []
    while len(accepted) < expected:
        index, event = await anext(events)
        if isinstance(event, Accepted):
            accepted.append(event)
        else:
            early.append((index, event))
    return accepted, early


async def _chain(
    early: list[Indexed], events: AsyncGenerator[Indexed], *, discreet: bool
) -> AsyncGenerator[Indexed]:
    for index, event in early:
        yield index, line.discreet(event) if discreet else event
    async for index, event in events:
        yield index, line.discreet(event) if discreet else event


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
                if isinstance(event, Queued):
                    await stream.send(line.comment(event))
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
    question = vectors.embed(asked)
    model = generation.resolve(asked.model, Kind.EMBEDDING)
    result = await generation.ask(model, question, Embeddings, _staying(asked))
    return _json(vectors.embedding_list(asked, model, result))


def _staying(asked: schema.EmbeddingRequest | schema.RerankRequest) -> LoadOptions:
    return LoadOptions(keep_alive=wishes.keep_alive(asked.keep_alive, asked.ttl))


async def rerank(request: web.Request) -> web.Response:
    """Sort documents by how well they answer a query."""
    generation = request.app[SERVICES].generation
    asked = await read_json(request, schema.RerankRequest)
    question = vectors.rerank(asked)
    model = generation.resolve(asked.model, Kind.RERANK)
    result = await generation.ask(model, question, Ranking, _staying(asked))
    return _json(vectors.ranking(asked, model, question, result))


async def tokenize(request: web.Request) -> web.Response:
    """Turn a text into tokens."""
    asked = await read_json(request, schema.TokenizeRequest)
    model = request.app[SERVICES].generation.resolve(asked.model, None)
    found = await request.app[SERVICES].generation.ask(model, tokens.tokenize(asked), Tokens)
    return _json(tokens.token_list(asked, found))


async def detokenize(request: web.Request) -> web.Response:
    """Turn tokens into text."""
    asked = await read_json(request, schema.DetokenizeRequest)
    model = request.app[SERVICES].generation.resolve(asked.model, None)
    found = await request.app[SERVICES].generation.ask(model, tokens.detokenize(asked), Tokens)
    return _json(tokens.content(found))


async def apply_template(request: web.Request) -> web.Response:
    """Show the prompt that a conversation becomes."""
    services = request.app[SERVICES]
    asked = await read_json(request, schema.ChatRequest)
    model = services.generation.resolve(asked.model)
    prompt = requests.chat_requests(asked, _usual(services, model))[0].prompt
    assert isinstance(prompt, ChatPrompt)  # noqa: S101  what chat requests hold
    found = await services.generation.ask(model, Render(prompt), Rendered)
    return _json(tokens.prompt(found))


async def validate(request: web.Request) -> web.Response:
    """Say whether schemas, grammars and tools can be enforced, without any model."""
    asked = await read_json(request, schema.ValidateRequest)
    proposals = constraints.proposals(asked)
    fault = await request.app[SERVICES].constraints.fault(proposals)
    return _json(constraints.validity(fault))


async def models(request: web.Request) -> web.Response:
    """List models."""
    manifests = await request.app[SERVICES].library.models()
    return _json(schema.ModelObjects([answers.model_object(manifest) for manifest in manifests]))


async def model(request: web.Request) -> web.Response:
    """Describe one model."""
    manifest = await request.app[SERVICES].library.get(request.match_info["name"])
    return _json(answers.model_object(manifest))


SHORT_ROUTES = (
    web.post("/rerank", rerank),
    web.post("/tokenize", tokenize),
    web.post("/detokenize", detokenize),
    web.post("/apply-template", apply_template),
)
"""Those that clients of llama-server call without `/v1`."""

ROUTES = (
    web.post("/chat/completions", chat_completions),
    web.post("/completions", completions),
    web.post("/embeddings", embeddings),
    *SHORT_ROUTES,
    web.post("/validate", validate),
    web.get("/models", models),
    web.get("/models/{name:.+}", model),
)
