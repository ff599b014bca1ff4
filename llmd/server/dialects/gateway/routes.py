"""Paths of the gateway API. Names of models may hold slashes: what follows one is matched first."""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.protocol.models import Kind
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Embeddings
from llmd.server.completions import exchange
from llmd.server.completions import schema as completions
from llmd.server.completions.answering import Manner, respond
from llmd.server.completions.convert import embeddings as vectors
from llmd.server.completions.convert import wishes
from llmd.server.dialects.gateway import convert, errors, schema
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import CALLER, IDENTITY, SERVICES
from llmd.server.http.route import delete, get, post


def _answer(request: web.Request, kind: type[schema.Envelope], data: object) -> web.Response:
    body = msgspec.json.encode(convert.enveloped(kind, data, request[IDENTITY]))
    return web.Response(body=body, content_type="application/json")


def _manner(request: web.Request, kind: type[schema.Envelope]) -> Manner:
    def whole(completion: completions.Completion) -> object:
        return convert.enveloped(kind, completion, request[IDENTITY])

    return Manner(error=errors.encode, whole=whole)


async def list_models(request: web.Request) -> web.Response:
    """List models, with what they can do."""
    asked = read_query(request, schema.Listing)
    found = await request.app[SERVICES].directory.list(available=asked.available)
    return _answer(request, schema.ModelsAnswer, convert.models(found))


async def get_model(request: web.Request) -> web.Response:
    """Describe one model: its limits, and how it performs."""
    found = await request.app[SERVICES].directory.get(request.match_info["model_id"])
    return _answer(request, schema.DetailsAnswer, convert.details(found))


async def text_completions(request: web.Request) -> web.StreamResponse:
    """Continue a text."""
    asked = await read_json(request, completions.CompletionRequest)
    asked = convert.addressed(asked, request.match_info["model_id"])
    opening = exchange.text(request.app[SERVICES], request[CALLER], asked)
    manner = _manner(request, schema.TextAnswer)
    return await respond(request, opening, manner, streams=bool(asked.stream))


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    asked = await read_json(request, completions.ChatRequest)
    asked = convert.addressed(asked, request.match_info["model_id"])
    opening = exchange.chat(request.app[SERVICES], request[CALLER], asked)
    manner = _manner(request, schema.ChatAnswer)
    return await respond(request, opening, manner, streams=bool(asked.stream))


async def embeddings(request: web.Request) -> web.Response:
    """Make vectors."""
    generation = request.app[SERVICES].generation
    asked = await read_json(request, completions.EmbeddingRequest)
    asked = convert.addressed(asked, request.match_info["model_id"])
    question = vectors.embed(asked)
    model = generation.resolve(asked.model, Kind.EMBEDDING)
    staying = LoadOptions(keep_alive=wishes.keep_alive(asked.keep_alive, asked.ttl))
    result = await generation.ask(model, question, Embeddings, request[CALLER], staying)
    found = vectors.embedding_list(asked, model, result)
    return _answer(request, schema.EmbeddingsAnswer, found)


async def list_local(request: web.Request) -> web.Response:
    """List the models in memory, with what they take and how they perform."""
    found = await request.app[SERVICES].directory.local()
    return _answer(request, schema.LocalAnswer, convert.local(found))


async def deploy(request: web.Request) -> web.Response:
    """Fetch a model, make it ready and load it, as a job that outlives this call and the daemon."""
    order = await read_json(request, schema.Deploy)
    begun = await request.app[SERVICES].deployments.deploy(request[CALLER], order)
    return _answer(request, schema.BegunAnswer, convert.begun(begun, time.time()))


async def list_deployments(request: web.Request) -> web.Response:
    """List deployments, newest first."""
    page = read_query(request, schema.Page)
    found = await request.app[SERVICES].deployments.list(page.skip, page.limit)
    return _answer(request, schema.DeploymentsAnswer, convert.deployments(found))


async def get_deployment(request: web.Request) -> web.Response:
    """Tell how far a deployment is."""
    found = await request.app[SERVICES].deployments.get(request.match_info["deployment_id"])
    return _answer(request, schema.ProgressAnswer, convert.progress(found))


async def unload(request: web.Request) -> web.Response:
    """Take a model out of memory, or cancel its deployment."""
    asked = read_query(request, schema.Unload)
    name = request.match_info["model_id"]
    removal = await request.app[SERVICES].deployments.unload(name, force=asked.force)
    return _answer(request, schema.LeavingAnswer, convert.leaving(removal))


_MODEL = "/models/{model_id:.+}"

ROUTES = (
    get(
        "/models", list_models, Scope.MODELS_READ, query=schema.Listing, answer=schema.ModelsAnswer
    ),
    get("/models/local", list_local, Scope.MODELS_READ, answer=schema.LocalAnswer),
    post(
        "/models/local/deploy",
        deploy,
        Scope.MODELS_WRITE,
        body=schema.Deploy,
        answer=schema.BegunAnswer,
    ),
    get(
        "/models/local/deployments",
        list_deployments,
        Scope.MODELS_READ,
        query=schema.Page,
        answer=schema.DeploymentsAnswer,
    ),
    get(
        "/models/local/deployments/{deployment_id}",
        get_deployment,
        Scope.MODELS_READ,
        answer=schema.ProgressAnswer,
    ),
    delete(
        "/models/local/{model_id:.+}",
        unload,
        Scope.MODELS_WRITE,
        query=schema.Unload,
        answer=schema.LeavingAnswer,
    ),
    post(
        f"{_MODEL}/chat/completions",
        chat_completions,
        Scope.GENERATE,
        body=completions.ChatRequest,
        answer=schema.ChatAnswer,
        events=completions.ChatChunk,
    ),
    post(
        f"{_MODEL}/completions",
        text_completions,
        Scope.GENERATE,
        body=completions.CompletionRequest,
        answer=schema.TextAnswer,
        events=completions.TextCompletion,
    ),
    post(
        f"{_MODEL}/embeddings",
        embeddings,
        Scope.GENERATE,
        body=completions.EmbeddingRequest,
        answer=schema.EmbeddingsAnswer,
    ),
    get(_MODEL, get_model, Scope.MODELS_READ, answer=schema.DetailsAnswer),
)
