"""Conversations as files, written as they are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

import msgspec
from aiohttp import web

from llmd.errors import NotFound
from llmd.protocol.callers import Caller, Scope
from llmd.protocol.sessions import Picture, Session, SessionMessage
from llmd.server.http.body import read_query
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get
from llmd.server.http.streaming import finished, open_stream
from llmd.server.web import export
from llmd.server.web.pages import SITE, said
from llmd.server.web.routes.chat import SESSION, mine, session_id
from llmd.server.web.words import Words
from llmd.services.conversations import Conversations


class Form(msgspec.Struct, frozen=True):
    """The query of `GET /web/chat/sessions/{id}/export`."""

    format: Literal["markdown", "json"] = "markdown"


async def export_session(request: web.Request) -> web.StreamResponse:
    """Return all that was said, as a file."""
    form, services, caller = read_query(request, Form), request.app[SERVICES], mine(request)
    session = await services.sessions.get(caller, session_id(request))
    kind, disposition = export.disposition(session, form.format)
    words = said(request, await request.app[SITE].get())
    if form.format == "markdown":
        written = _markdown(services.conversations, caller, session, words)
    else:
        written = _json(services.conversations, caller, session)
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    async with open_stream(request, kind, headers) as stream:
        async for piece in written:
            await stream.send(piece)
    return finished(request)


async def _markdown(
    conversations: Conversations, caller: Caller, session: Session, words: Words
) -> AsyncGenerator[bytes]:
    yield export.heading(session, words).encode()
    async for some in conversations.read(caller, session.id):
        yield "".join(export.passage(one, words) for one in some).encode()


async def _json(
    conversations: Conversations, caller: Caller, session: Session
) -> AsyncGenerator[bytes]:
    yield b'{"session":' + msgspec.json.encode(session) + b',"messages":['
    between = b"\n"
    async for some in conversations.read(caller, session.id):
        for one in some:
            yield between + export.record(one, await _pictures(conversations, caller, one))
            between = b",\n"
    yield b"]}\n"


async def _pictures(
    conversations: Conversations, caller: Caller, message: SessionMessage
) -> list[Picture]:
    found: list[Picture] = []
    count = message.metadata_info.get("pictures")
    for place in range(count if isinstance(count, int) else 0):
        try:
            picture = await conversations.picture(caller, message.session_id, message.id, place)
        except NotFound:
            break  # whatever its metadata says
        found.append(picture)
    return found


ROUTES = (get(f"{SESSION}/export", export_session, Scope.SESSIONS),)
