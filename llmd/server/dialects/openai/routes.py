"""Paths of the OpenAI-compatible API."""

from __future__ import annotations

import msgspec
from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.protocol.models import Kind
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Embeddings, Question, Ranking, Render, Rendered, Tokens
from llmd.protocol.requests import ChatPrompt
from llmd.server.completions import exchange
from llmd.server.completions import schema as completions
from llmd.server.completions.answering import Manner, respond
from llmd.server.completions.convert import answers, requests, wishes
from llmd.server.completions.convert import embeddings as vectors
from llmd.server.dialects.openai import errors, schema
from llmd.server.dialects.openai.convert import reranking, tokens, validation
from llmd.server.http.body import read_json
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post

_MANNER = Manner(error=errors.encode)


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    asked = await read_json(request, completions.ChatRequest)
    opening = exchange.chat(request.app[SERVICES], request[CALLER], asked)
    return await respond(request, opening, _MANNER, streams=bool(asked.stream))


async def text_completions(request: web.Request) -> web.StreamResponse:
    """Continue a text."""
    asked = await read_json(request, completions.CompletionRequest)
    opening = exchange.text(request.app[SERVICES], request[CALLER], asked)
    return await respond(request, opening, _MANNER, streams=bool(asked.stream))


async def embeddings(request: web.Request) -> web.Response:
    """Make vectors."""
    generation = request.app[SERVICES].generation
    asked = await read_json(request, completions.EmbeddingRequest)
    question = vectors.embed(asked)
    model = generation.resolve(asked.model, Kind.EMBEDDING)
    result = await generation.ask(model, question, Embeddings, request[CALLER], _staying(asked))
    return _json(vectors.embedding_list(asked, model, result))


def _staying(asked: completions.EmbeddingRequest | schema.RerankRequest) -> LoadOptions:
    return LoadOptions(keep_alive=wishes.keep_alive(asked.keep_alive, asked.ttl))


async def rerank(request: web.Request) -> web.Response:
    """Sort documents by how well they answer a query."""
    generation = request.app[SERVICES].generation
    asked = await read_json(request, schema.RerankRequest)
    question = reranking.rerank(asked)
    model = generation.resolve(asked.model, Kind.RERANK)
    result = await generation.ask(model, question, Ranking, request[CALLER], _staying(asked))
    return _json(reranking.ranking(asked, model, question, result))


async def _ask(request: web.Request, name: str | None, question: Question) -> Tokens:
    generation = request.app[SERVICES].generation
    model = generation.resolve(name, None)
    return await generation.ask(model, question, Tokens, request[CALLER])


async def tokenize(request: web.Request) -> web.Response:
    """Turn a text into tokens."""
    asked = await read_json(request, schema.TokenizeRequest)
    model = request.app[SERVICES].generation.resolve(asked.model, None)
    found = await request.app[SERVICES].generation.ask(
        model, tokens.tokenize(asked), Tokens, request[CALLER]
    )
    return _json(tokens.token_list(asked, found))


async def detokenize(request: web.Request) -> web.Response:
    """Turn tokens into text."""
    asked = await read_json(request, schema.DetokenizeRequest)
    model = request.app[SERVICES].generation.resolve(asked.model, None)
    found = await request.app[SERVICES].generation.ask(
        model, tokens.detokenize(asked), Tokens, request[CALLER]
    )
    return _json(tokens.content(found))


async def apply_template(request: web.Request) -> web.Response:
    """Show the prompt that a conversation becomes."""
    services = request.app[SERVICES]
    asked = await read_json(request, completions.ChatRequest)
    model = services.generation.resolve(asked.model)
    prompt = requests.chat_requests(asked, exchange.usual(services, model))[0].prompt
    assert isinstance(prompt, ChatPrompt)  # noqa: S101  what chat requests hold
    found = await services.generation.ask(model, Render(prompt), Rendered, request[CALLER])
    return _json(tokens.prompt(found))


async def validate(request: web.Request) -> web.Response:
    """Say whether schemas, grammars and tools can be enforced, without any model."""
    asked = await read_json(request, schema.ValidateRequest)
    proposals = validation.proposals(asked)
    fault = await request.app[SERVICES].constraints.fault(proposals)
    return _json(validation.validity(fault))


async def models(request: web.Request) -> web.Response:
    """List models."""
    manifests = await request.app[SERVICES].library.models()
    return _json(
        completions.ModelObjects([answers.model_object(manifest) for manifest in manifests])
    )


async def model(request: web.Request) -> web.Response:
    """Describe one model."""
    manifest = await request.app[SERVICES].library.get(request.match_info["name"])
    return _json(answers.model_object(manifest))


_USE = Scope.GENERATE

SHORT_ROUTES = (
    post("/rerank", rerank, _USE, body=schema.RerankRequest, answer=schema.RerankList),
    post("/tokenize", tokenize, _USE, body=schema.TokenizeRequest, answer=schema.TokenList),
    post("/detokenize", detokenize, _USE, body=schema.DetokenizeRequest, answer=schema.Content),
    post(
        "/apply-template",
        apply_template,
        _USE,
        body=completions.ChatRequest,
        answer=schema.RenderedPrompt,
    ),
)
"""Those that clients of llama-server call without `/v1`."""

ROUTES = (
    post(
        "/chat/completions",
        chat_completions,
        _USE,
        body=completions.ChatRequest,
        answer=completions.ChatCompletion,
        events=completions.ChatChunk,
    ),
    post(
        "/completions",
        text_completions,
        _USE,
        body=completions.CompletionRequest,
        answer=completions.TextCompletion,
        events=completions.TextCompletion,
    ),
    post(
        "/embeddings",
        embeddings,
        _USE,
        body=completions.EmbeddingRequest,
        answer=completions.EmbeddingList,
    ),
    *SHORT_ROUTES,
    post("/validate", validate, _USE, body=schema.ValidateRequest, answer=schema.Validity),
    get("/models", models, Scope.MODELS_READ, answer=completions.ModelObjects),
    get("/models/{name:.+}", model, Scope.MODELS_READ, answer=completions.ModelObject),
)
