"""Control calls of kept conversations; the owner of the machine sees everybody's."""

from __future__ import annotations

from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.protocol.sessions import Session
from llmd.server.dialects.control import schema
from llmd.server.dialects.control.routes.answers import json
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import delete, get, post


async def list_sessions(request: web.Request) -> web.Response:
    """List kept conversations."""
    page = read_query(request, schema.SessionPage)
    found = await request.app[SERVICES].sessions.list(
        request[CALLER],
        page.skip,
        page.limit,
        active_only=page.active_only,
        words=page.words,
    )
    return json(schema.SessionList(found))


async def find_session(request: web.Request) -> web.Response:
    """Find a conversation by its id, by how that begins, or by its title."""
    sessions, caller = request.app[SERVICES].sessions, request[CALLER]
    found = await sessions.find(caller, read_query(request, schema.SessionName).name)
    return json(schema.SessionCard(found, await sessions.count(caller, found.id)))


async def create_session(request: web.Request) -> web.Response:
    """Begin a conversation."""
    order = await read_json(request, schema.NewSession)
    made = await request.app[SERVICES].sessions.create(request[CALLER], order.title, order.model)
    return json(made)


async def change_session(request: web.Request) -> web.Response:
    """Change what is known of a conversation."""
    order = await read_json(request, schema.ChangeSession)
    changed = await request.app[SERVICES].sessions.update(
        request[CALLER], _id(request), order.title, order.is_active, order.model
    )
    return json(changed)


async def remove_session(request: web.Request) -> web.Response:
    """Delete a conversation."""
    await request.app[SERVICES].sessions.delete(request[CALLER], _id(request))
    return json(schema.RemovedSession(_id(request)))


async def list_messages(request: web.Request) -> web.Response:
    """List messages of a conversation."""
    page = read_query(request, schema.SessionPage)
    found = await request.app[SERVICES].sessions.messages(
        request[CALLER], _id(request), page.skip, page.limit
    )
    return json(schema.MessageList(found))


async def add_messages(request: web.Request) -> web.Response:
    """Append messages to a conversation."""
    order = await read_json(request, schema.AddMessages)
    kept = await request.app[SERVICES].sessions.add_many(
        request[CALLER], _id(request), order.messages
    )
    return json(schema.MessageList(kept))


async def cut_messages(request: web.Request) -> web.Response:
    """Delete a message of a conversation and all after it."""
    sessions, message = request.app[SERVICES].sessions, request.match_info["message"]
    return json(schema.CutSession(await sessions.cut(request[CALLER], _id(request), message)))


async def history(request: web.Request) -> web.Response:
    """Tell what was said."""
    said = await request.app[SERVICES].sessions.history(request[CALLER], _id(request))
    return json(schema.SessionHistory([schema.HistoryLine(**line) for line in said]))


def _id(request: web.Request) -> str:
    return request.match_info["id"]


_OWNER = Scope.ADMIN
_MESSAGES = "/sessions/{id}/messages"

ROUTES = (
    get("/sessions", list_sessions, _OWNER, query=schema.SessionPage, answer=schema.SessionList),
    post("/sessions", create_session, _OWNER, body=schema.NewSession, answer=Session),
    get(
        "/sessions/find", find_session, _OWNER, query=schema.SessionName, answer=schema.SessionCard
    ),
    post("/sessions/{id}", change_session, _OWNER, body=schema.ChangeSession, answer=Session),
    delete("/sessions/{id}", remove_session, _OWNER, answer=schema.RemovedSession),
    get(_MESSAGES, list_messages, _OWNER, query=schema.SessionPage, answer=schema.MessageList),
    post(_MESSAGES, add_messages, _OWNER, body=schema.AddMessages, answer=schema.MessageList),
    delete(f"{_MESSAGES}/{{message}}", cut_messages, _OWNER, answer=schema.CutSession),
    get("/sessions/{id}/history", history, _OWNER, answer=schema.SessionHistory),
)
