"""The chat page, what stands around it, and what a browser chooses for itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

import msgspec
from aiohttp import hdrs, web

from llmd.errors import NotFound
from llmd.protocol.callers import Scope
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post
from llmd.server.web import replies, visits
from llmd.server.web.forms import read_fields
from llmd.server.web.pages import SITE, page, said
from llmd.server.web.visits import VISIT

_RUNS = "llmd is running\n"


class Choice(msgspec.Struct, frozen=True):
    """What a browser keeps."""

    what: Literal["language", "theme"]
    value: Literal["", "en", "zh", "light", "dark"] = ""


async def chat(request: web.Request) -> web.Response:
    """Show the chat; programs that only want to know whether something answers are told so."""
    if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        return web.Response(text=_RUNS, headers={hdrs.VARY: hdrs.ACCEPT})
    request.app[SERVICES].access.permit(request[CALLER], Scope.GENERATE)
    return await page(request, "chat.html")


async def choose(request: web.Request) -> web.Response:
    """Keep the language or the theme that was chosen."""
    choice = await read_fields(request, Choice)
    response = replies.done()
    visits.write(request, response, choice.what, choice.value)
    return response


async def who(request: web.Request) -> web.Response:
    """Tell a page whom it is for, by which stamp it counts and which version it should be of; 401
    when a login is over.
    """
    caller, site = request[CALLER], await request.app[SITE].get()
    stamp = await request.app[SERVICES].signing.stamp(request[VISIT].seal)
    told = {"name": caller.label, "scopes": sorted(caller.scopes)}
    return replies.json({**told, "stamp": stamp, "version": site.files.version})


async def missing(request: web.Request) -> web.Response:
    """Say that there is no such page."""
    place = request.rel_url.raw_path
    if place.endswith("/"):
        headers = {hdrs.LOCATION: place.rstrip("/")}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)
    t = said(request, await request.app[SITE].get())
    raise NotFound(t("trouble.no_page"))


async def icon(request: web.Request) -> web.Response:
    """Send on who asks for the picture of a page that names none."""
    place = (await request.app[SITE].get()).files.url("llmd.svg")
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={hdrs.LOCATION: place})


ROUTES = (
    get("/", chat, None),
    get("/favicon.ico", icon, None),
    get("/admin/{rest:.*}", missing, None),
    get("/web/who", who, Scope.MODELS_READ),
    post("/web/choice", choose, None),
)
