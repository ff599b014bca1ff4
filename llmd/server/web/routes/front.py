"""The chat page, the login, and what a browser chooses for itself."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import msgspec
from aiohttp import web

from llmd.config.settings import AuthMode
from llmd.errors import LlmdError, Unauthorized
from llmd.protocol.callers import Credentials, Scope
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post
from llmd.server.web import replies, visits
from llmd.server.web.forms import read_fields
from llmd.server.web.pages import page
from llmd.server.web.visits import VISIT


class Entry(msgspec.Struct, frozen=True):
    """The form of the login."""

    name: str = ""
    password: str = ""
    key: str = ""
    """An API key, where nobody has a password."""
    next: str = "/"
    """Where to go on."""


class Choice(msgspec.Struct, frozen=True):
    """What a browser keeps."""

    what: Literal["language", "theme"]
    value: Literal["", "en", "zh", "light", "dark"] = ""


async def chat(request: web.Request) -> web.Response:
    """Show the chat."""
    return await page(request, "chat.html")


async def ask(request: web.Request) -> web.Response:
    """Show the form of the login."""
    return await page(
        request, "login.html", next=_inside(request.query.get("next", "")), error=None
    )


async def login(request: web.Request) -> web.Response:
    """Let somebody in who shows a name and a password, or a key."""
    entry = await read_fields(request, Entry)
    inside = _inside(entry.next)
    try:
        token, age = await _token(request, entry)
    except LlmdError as error:
        return await page(request, "login.html", status=error.status, next=inside, error=error)
    response = web.Response(status=303, headers={"Location": inside})
    visits.write(request, response, "login", token, age)
    return response


async def logout(request: web.Request) -> web.Response:
    """End a login."""
    services, token = request.app[SERVICES], request[VISIT].token
    if token and services.access.mode is not AuthMode.KEYS:
        with suppress(Unauthorized):  # it is over already, or was a key
            await services.login.logout(token)
    response = web.Response(status=303, headers={"Location": "/login"})
    visits.write(request, response, "login", "")
    return response


async def choose(request: web.Request) -> web.Response:
    """Keep the language or the theme that was chosen."""
    choice = await read_fields(request, Choice)
    response = replies.done()
    visits.write(request, response, choice.what, choice.value)
    return response


async def _token(request: web.Request, entry: Entry) -> tuple[str, int]:
    services, address = request.app[SERVICES], credentials(request).address
    if entry.key:
        await services.access.admit(
            Credentials(token=entry.key, address=address), Scope.MODELS_READ
        )
        return entry.key, int(services.security.browser_lifetime)
    login = await services.login.browse(entry.name, entry.password, address)
    return login.token, login.expires_in


def _inside(path: str) -> str:
    """Return a path of this site: nobody is sent elsewhere."""
    plain = path.startswith("/") and path.isprintable() and "\\" not in path
    return path if plain and not path.startswith("//") else "/"


async def who(request: web.Request) -> web.Response:
    """Tell a page whom it is for; 401 when a login is over."""
    caller = request[CALLER]
    return replies.json({"name": caller.label, "scopes": sorted(caller.scopes)})


ROUTES = (
    get("/", chat, Scope.GENERATE),
    get("/login", ask, None),
    post("/login", login, None),
    post("/logout", logout, None),
    get("/web/who", who, Scope.MODELS_READ),
    post("/web/choice", choose, None),
)
