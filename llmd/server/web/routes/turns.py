"""Calls of the chat page: answers that are asked for, followed and stopped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

import msgspec
from aiohttp import hdrs, web

from llmd.errors import InvalidRequest
from llmd.protocol.callers import Caller, Scope
from llmd.protocol.models import Medium
from llmd.protocol.sessions import Picture
from llmd.server.completions import schema
from llmd.server.completions.record import Record
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import CALLER, SERVICES, STANDING
from llmd.server.http.route import get, post
from llmd.server.http.streaming import finished, open_stream
from llmd.server.web import replies, talk
from llmd.server.web.entrance import still_may
from llmd.server.web.routes.chat import SESSION, mine, session_id
from llmd.server.web.turns import answer, stopped
from llmd.services import turns
from llmd.services.bundle import Services
from llmd.services.session_checks import whose

_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_ACCEPTED = 202
_NO_CONTENT = 204


class Behind(msgspec.Struct, frozen=True):
    """The query of `GET /web/chat/turns/{turn}/events`."""

    after: str = ""


async def begin(request: web.Request) -> web.Response:
    """Ask for an answer, which goes on whether or not somebody listens."""
    order, services, caller = await read_json(request, talk.Order), *_who(request)
    services.access.permit(caller, Scope.GENERATE)
    session = await services.sessions.get(mine(request), session_id(request))
    if known := services.turns.known(session.id, order.request_id):
        return replies.json({"turn": known}, _ACCEPTED)
    shown = talk.pictures(order, services.media)
    asked = talk.request(order, shown)
    _check_sight(services, asked, shown)
    request[STANDING] = services.limits.admit(caller)

    async def work(turn: turns.Turn) -> None:
        terms = talk.terms(order, shown, turn.id)
        record = Record(services.sessions, caller, session.id, terms)
        await answer(services, asked, record, turn)

    turn = services.turns.begin(
        turns.Order(
            owner=whose(caller),
            session=session.id,
            request=order.request_id,
            facts=talk.asked(order, shown),
            weight=sum(len(one.data) for one in shown) * 2 + len(order.content),
            asks=not order.again,
        ),
        work,
        partial(services.limits.occupy, caller),
    )
    return replies.json({"turn": turn}, _ACCEPTED)


async def follow(request: web.Request) -> web.StreamResponse:
    """Tell what becomes of an answer, from the first event or from behind the last one heard."""
    services, caller = _who(request)
    turn = services.turns.get(whose(caller), request.match_info["turn"])
    # a browser that connects again says in the header where it is, and in the query where it was
    place = request.headers.get("Last-Event-ID") or read_query(request, Behind).after
    behind = int(place) if _NUMBER.fullmatch(place) else 0
    if turn.ended and behind >= turn.end:
        return web.Response(status=_NO_CONTENT)  # browsers do not connect again after that
    async with (
        aclosing(turn.follow(behind)) as telling,
        open_stream(request, "text/event-stream", {hdrs.CACHE_CONTROL: "no-store"}) as stream,
    ):
        async for events in telling:
            if not await still_may(request, (Scope.SESSIONS,)):
                break  # the page asks again, and is told
            await stream.send(b"".join(map(_line, events)))
    return finished(request)


async def stop(request: web.Request) -> web.Response:
    """Stop an answer; what came of it is kept."""
    services, caller = _who(request)
    turn = services.turns.get(whose(caller), request.match_info["turn"])
    await services.turns.stop(turn, stopped())
    return replies.done()


def _who(request: web.Request) -> tuple[Services, Caller]:
    return request.app[SERVICES], request[CALLER]


def _check_sight(services: Services, asked: schema.ChatRequest, shown: Sequence[Picture]) -> None:
    """Raise ModelNotFound, and InvalidRequest for a model that sees nothing."""
    model = services.generation.resolve(asked.model, media={Medium.IMAGE} if shown else ())
    if shown and not model.vision:
        raise InvalidRequest(
            f"{model.name} takes no pictures.",
            hint="A model that does has a projector: llmd search --kind vision.",
            param="images",
        )


def _line(event: turns.Event) -> bytes:
    data = msgspec.json.encode(event.facts)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), data)


ROUTES = (
    post(f"{SESSION}/turns", begin, Scope.SESSIONS),
    get("/web/chat/turns/{turn}/events", follow, Scope.SESSIONS),
    post("/web/chat/turns/{turn}/stop", stop, Scope.SESSIONS),
)
