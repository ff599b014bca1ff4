"""Paths of the StellarByte API."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial

import msgspec
from aiohttp import web

from llmd.protocol.callers import Caller, Scope
from llmd.protocol.events import Queued
from llmd.protocol.sessions import NewMessage
from llmd.server.completions import exchange, remembering
from llmd.server.completions import schema as completions
from llmd.server.completions.answering import Manner, respond
from llmd.server.completions.convert import answers
from llmd.server.dialects.stellarbyte import convert, errors, schema
from llmd.server.http.body import decode_json, read_json, read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import delete, get, post, put
from llmd.server.http.websockets import Answer, Manners, Socket, converse
from llmd.services.bundle import Services
from llmd.services.sessions import Sessions

_MANNER = Manner(error=errors.encode)
_USE = Scope.GENERATE
_SESSIONS = Scope.SESSIONS
_DELETED = "会话删除成功"


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )


async def health(request: web.Request) -> web.Response:
    """Tell whether requests are taken: 200, or 503 while draining."""
    state = request.app[SERVICES].status.report().state
    running = state == "running"
    return _json(schema.Health("healthy" if running else state), 200 if running else 503)


async def models(request: web.Request) -> web.Response:
    """List models."""
    manifests = await request.app[SERVICES].library.models()
    return _json(completions.ModelObjects([answers.model_object(one) for one in manifests]))


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Answer a conversation, going on with a session if one is named."""
    services, caller = request.app[SERVICES], request[CALLER]
    session = read_query(request, schema.ChatQuery).session_id
    asked = await read_json(request, completions.ChatRequest)
    if not session:
        opening = exchange.chat(services, caller, asked)
    else:
        services.access.permit(caller, _SESSIONS)
        opening = remembering.chat(services, caller, asked, session)
    return await respond(request, opening, _MANNER, streams=bool(asked.stream))


async def chat_socket(request: web.Request) -> web.StreamResponse:
    """Talk in a session over a WebSocket."""
    services, caller = request.app[SERVICES], request[CALLER]
    services.access.permit(caller, _SESSIONS)
    wanted = read_query(request, schema.ChatQuery).session_id
    # of a session that is not there the client learns as an HTTP status
    session = await services.sessions.get(caller, wanted) if wanted else None

    async def begin(socket: Socket) -> Answer:
        found = session or await services.sessions.create(caller)
        await socket.send(schema.SessionStart(schema.SessionStarted(found.id)))
        return partial(_answer, services, socket, found.id)

    return await converse(request, Manners(_USE, begin, errors.encode_event))


async def _answer(
    services: Services, socket: Socket, session: str, caller: Caller, message: bytes
) -> None:
    """Answer one message in events."""
    services.access.permit(caller, _SESSIONS)
    asked = convert.chat_request(decode_json(message, schema.ChatEvent))
    async with remembering.chat(services, caller, asked, session) as under_way:
        await socket.send(schema.BlockStart())
        async with aclosing(under_way.chunks()) as chunks:
            async for chunk in chunks:
                for event in [] if isinstance(chunk, Queued) else convert.events(chunk):
                    await socket.send(event)
        said = under_way.first
        for event in convert.closing(said.reason or "stop", said.tokens):
            await socket.send(event)


def _sessions(request: web.Request) -> tuple[Sessions, Caller, str]:
    return (
        request.app[SERVICES].sessions,
        request[CALLER],
        request.match_info.get("session_id", ""),
    )


async def create_session(request: web.Request) -> web.Response:
    """Make a session."""
    sessions, caller, _ = _sessions(request)
    order = await read_json(request, schema.NewSession)
    return _json(convert.session(await sessions.create(caller, order.title or "")))


async def list_sessions(request: web.Request) -> web.Response:
    """List the caller's sessions, the one used last first."""
    sessions, caller, _ = _sessions(request)
    page = read_query(request, schema.SessionPage)
    found = await sessions.list(caller, page.skip, page.limit, active_only=page.active_only)
    return _json([convert.session(one) for one in found])


async def show_session(request: web.Request) -> web.Response:
    """Describe a session."""
    sessions, caller, session = _sessions(request)
    return _json(convert.session(await sessions.get(caller, session)))


async def change_session(request: web.Request) -> web.Response:
    """Rename a session, put it away, or take it up again."""
    sessions, caller, session = _sessions(request)
    order = await read_json(request, schema.SessionChange)
    return _json(
        convert.session(await sessions.update(caller, session, order.title, order.is_active))
    )


async def delete_session(request: web.Request) -> web.Response:
    """Delete a session and its messages."""
    sessions, caller, session = _sessions(request)
    await sessions.delete(caller, session)
    return _json(schema.Deleted(_DELETED))


async def add_message(request: web.Request) -> web.Response:
    """Append a message to a session, without an answer."""
    sessions, caller, session = _sessions(request)
    order = await read_json(request, schema.NewMessage)
    message = NewMessage(
        role=order.role,
        content=order.content,
        tokens=order.tokens,
        metadata_info=order.metadata_info or {},
    )
    return _json(convert.message(await sessions.add(caller, session, message)))


async def list_messages(request: web.Request) -> web.Response:
    """List the messages of a session, oldest first."""
    sessions, caller, session = _sessions(request)
    page = read_query(request, schema.Page)
    found = await sessions.messages(caller, session, page.skip, page.limit)
    return _json([convert.message(one) for one in found])


async def history(request: web.Request) -> web.Response:
    """Return a session's conversation as models read it."""
    sessions, caller, session = _sessions(request)
    return _json(await sessions.history(caller, session))


_ONE = "/sessions/{session_id}"
_SESSION = schema.SessionObject
_MESSAGE = schema.MessageObject

ROUTES = (
    get("/health", health, None, answer=schema.Health, others={503: schema.Health}),
    get("/models", models, Scope.MODELS_READ, answer=completions.ModelObjects),
    post(
        "/chat/completions",
        chat_completions,
        _USE,
        query=schema.ChatQuery,
        body=completions.ChatRequest,
        answer=completions.ChatCompletion,
        events=completions.ChatChunk,
    ),
    get(
        "/ws/chat",
        chat_socket,
        _USE,
        query=schema.ChatQuery,
        body=schema.ChatEvent,
        events=schema.Event,
        status=101,
    ),
    post("/sessions", create_session, _SESSIONS, body=schema.NewSession, answer=_SESSION),
    get("/sessions", list_sessions, _SESSIONS, query=schema.SessionPage, answer=list[_SESSION]),
    get(_ONE, show_session, _SESSIONS, answer=_SESSION),
    put(_ONE, change_session, _SESSIONS, body=schema.SessionChange, answer=_SESSION),
    delete(_ONE, delete_session, _SESSIONS, answer=schema.Deleted),
    post(f"{_ONE}/messages", add_message, _SESSIONS, body=schema.NewMessage, answer=_MESSAGE),
    get(f"{_ONE}/messages", list_messages, _SESSIONS, query=schema.Page, answer=list[_MESSAGE]),
    get(f"{_ONE}/history", history, _SESSIONS, answer=list[schema.Turn]),
)
