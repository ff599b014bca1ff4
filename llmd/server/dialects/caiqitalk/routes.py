"""Paths of `/api/v1` that llmd's own API does not have."""

from __future__ import annotations

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest, NoModel
from llmd.protocol.callers import Scope
from llmd.protocol.models import Medium, ModelManifest
from llmd.server.completions import exchange
from llmd.server.completions import schema as completions
from llmd.server.completions.answering import Manner, respond
from llmd.server.dialects.caiqitalk import convert, errors, schema
from llmd.server.http.body import read_json
from llmd.server.http.form import read_form
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import post
from llmd.services.bundle import Services
from llmd.services.defaults import UNNAMED

_MANNER = Manner(error=errors.encode)


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    asked = await read_json(request, completions.ChatRequest)
    opening = exchange.chat(request.app[SERVICES], request[CALLER], asked)
    return await respond(request, opening, _MANNER, streams=bool(asked.stream))


async def vision_completions(request: web.Request) -> web.Response:
    """Name the main objects in a picture."""
    services = request.app[SERVICES]
    form = await read_form(request, schema.VisionForm, services.media.max_bytes)
    model = _seeing(services, form.model)
    words = convert.language(request.headers.get("Accept-Language", ""))
    asked = convert.question(form.image, model.name, words)
    try:
        async with exchange.chat(services, request[CALLER], asked) as answer:
            found = convert.recognition(await answer.whole())
    except InvalidRequest as error:
        raise convert.renamed(error) from error
    return web.Response(
        body=msgspec.json.encode(found), content_type="application/json", headers=answer.headers
    )


def _seeing(services: Services, name: str | None) -> ModelManifest:
    """Return the model that looks at a picture; raise NoModel where none is named and none can."""
    model = services.generation.resolve(name, media={Medium.IMAGE})
    if model.vision:
        return model
    if name not in UNNAMED:
        raise InvalidRequest(
            f"{model.name} takes no pictures.", hint="`llmd ls` tells which do.", param="model"
        )
    raise NoModel("There is no model that sees.", hint="Fetch one: llmd search --kind vision.")


ROUTES = (
    post(
        "/chat/completions",
        chat_completions,
        Scope.GENERATE,
        body=completions.ChatRequest,
        answer=completions.ChatCompletion,
        events=completions.ChatChunk,
    ),
    post(
        "/vision/completions",
        vision_completions,
        Scope.GENERATE,
        form=schema.VisionForm,
        answer=schema.Recognition,
    ),
)
