"""Calls of the chat page: sessions, their messages and pictures, and the models that answer. People
see their own sessions here, also those who may see everybody's.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from llmd.errors import NotFound
from llmd.protocol import pictures
from llmd.protocol.callers import Caller, Scope
from llmd.protocol.directory import Ability, DirectoryModel
from llmd.protocol.models import Kind, ModelManifest
from llmd.server.completions import exchange
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import delete, get, post
from llmd.server.web import replies, talk
from llmd.services.session_checks import personal
from llmd.services.sessions import LONGEST_PAGE

_PICTURE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}

Limit = Annotated[int, Meta(ge=1, le=LONGEST_PAGE - 1)]


class Page(msgspec.Struct, frozen=True):
    """The query of `GET /web/chat/sessions`."""

    skip: int = 0
    limit: Limit = 50
    words: str = ""


class Leaf(msgspec.Struct, frozen=True):
    """The query of `GET /web/chat/sessions/{id}`."""

    before: str = ""
    limit: Limit = 60


async def list_sessions(request: web.Request) -> web.Response:
    """List one's sessions, those first that changed last."""
    page, services = read_query(request, Page), request.app[SERVICES]
    found = await services.sessions.list(mine(request), page.skip, page.limit + 1, words=page.words)
    shown = [talk.session(one, running=services.turns.runs(one.id)) for one in found[: page.limit]]
    return replies.json({"sessions": shown, "more": len(found) > page.limit})


async def create_session(request: web.Request) -> web.Response:
    """Begin a session."""
    order = await read_json(request, talk.NewSession)
    sessions = request.app[SERVICES].sessions
    made = await sessions.create(mine(request), order.title, order.model)
    return replies.json(talk.session(made, running=False))


async def change_session(request: web.Request) -> web.Response:
    """Give a session another title or model."""
    order, services = await read_json(request, talk.Change), request.app[SERVICES]
    changed = await services.sessions.update(
        mine(request), session_id(request), order.title, model=order.model
    )
    return replies.json(talk.session(changed, running=services.turns.runs(changed.id)))


async def remove_session(request: web.Request) -> web.Response:
    """Delete a session; an answer that is being written in it is stopped."""
    services, caller = request.app[SERVICES], mine(request)
    session = await services.sessions.get(caller, session_id(request))
    await services.turns.drop(session.id, NotFound("This session was deleted."))
    await services.sessions.delete(caller, session.id)
    return replies.done()


async def show_session(request: web.Request) -> web.Response:
    """Tell what was said last, or before that, and whether an answer is being written."""
    leaf, services, caller = read_query(request, Leaf), request.app[SERVICES], mine(request)
    session = await services.sessions.get(caller, session_id(request))
    turn = services.turns.of(session.id)
    found = await services.conversations.leaf(caller, session.id, leaf.before, leaf.limit)
    if turn and turn.ended and turn.kept:  # while that was read, or before
        found = await services.conversations.leaf(caller, session.id, leaf.before, leaf.limit)
    if turn and any(one.metadata_info.get("turn") == turn.id for one in found.messages[-1:]):
        turn = None  # it is among the messages already
    return replies.json(
        {
            "session": talk.session(session, running=services.turns.runs(session.id)),
            "messages": [talk.message(message) for message in found.messages],
            "more": found.more,
            "turn": {"id": turn.id, **turn.order.facts} if turn else None,
        }
    )


async def branch(request: web.Request) -> web.Response:
    """Begin a session with what was said before a message."""
    order = await read_json(request, talk.Cut)
    conversations = request.app[SERVICES].conversations
    made = await conversations.branch(mine(request), session_id(request), order.before)
    return replies.json(talk.session(made, running=False))


async def show_picture(request: web.Request) -> web.Response:
    """Return a picture of a message."""
    place = request.match_info["place"]
    found = await request.app[SERVICES].conversations.picture(
        mine(request),
        session_id(request),
        request.match_info["message"],
        int(place) if place.isascii() and place.isdigit() and len(place) < len("1000000") else -1,
    )
    kind = pictures.kind(found.data)
    shown_as = f"image/{kind}" if kind else "application/octet-stream"
    return web.Response(body=found.data, content_type=shown_as, headers=_PICTURE_HEADERS)


async def list_models(request: web.Request) -> web.Response:
    """List the models that answer."""
    services = request.app[SERVICES]
    described = {one.id: one for one in await services.directory.list()}
    usual = services.library.default_chat()
    models = [
        {
            **_model(one, described[one.name]),
            "default": one.name == usual,
            "defaults": exchange.usual(services, one),
            "system": one.preset.system,
        }
        for one in await services.library.models()
        if one.kind is Kind.CHAT and one.name in described
    ]
    return replies.json({"models": models, "default": usual})


def _model(found: ModelManifest, known: DirectoryModel) -> dict[str, object]:
    return {
        "name": found.name,
        "loaded": known.loaded,
        "state": str(known.status),
        "vision": found.vision,
        "reasoning": Ability.REASONING in known.capabilities,
        "context_length": int(known.parameters.max_tokens),
        "size": found.size,
    }


def mine(request: web.Request) -> Caller:
    """Return the caller as somebody who sees only what is their own."""
    return personal(request[CALLER])


def session_id(request: web.Request) -> str:
    """Return the session that a path names."""
    return request.match_info["id"]


SESSION = "/web/chat/sessions/{id}"

ROUTES = (
    get("/web/chat/models", list_models, Scope.MODELS_READ),
    get("/web/chat/sessions", list_sessions, Scope.SESSIONS),
    post("/web/chat/sessions", create_session, Scope.SESSIONS),
    get(SESSION, show_session, Scope.SESSIONS),
    post(SESSION, change_session, Scope.SESSIONS),
    delete(SESSION, remove_session, Scope.SESSIONS),
    post(f"{SESSION}/branch", branch, Scope.SESSIONS),
    get(f"{SESSION}/messages/{{message}}/images/{{place}}", show_picture, Scope.SESSIONS),
)
