"""The login: a name and a password, or an API key, for a cookie."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from llmd.config.settings import AuthMode
from llmd.errors import InvalidKey, LlmdError, RateLimited, StalePage, Unauthorized
from llmd.protocol.callers import Caller, Credentials
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, SERVICES, STANDING
from llmd.server.http.route import get, post
from llmd.server.web import visits
from llmd.server.web.forms import read_fields
from llmd.server.web.pages import SITE, page, said
from llmd.server.web.visits import VISIT


class Entry(msgspec.Struct, frozen=True):
    """The form of the login."""

    name: str = ""
    password: str = ""
    key: str = ""
    """An API key, where somebody has no password."""
    next: str = "/"
    """Where to go on."""


async def ask(request: web.Request) -> web.Response:
    """Show the form; who is in already goes on."""
    entry, caller = Entry(next=request.query.get("next", "")), request[CALLER]
    if caller.user or caller.key:
        return _go(inside(entry.next))
    stale = StalePage("The page was out of date.") if "stale" in request.query else None
    return await _form(request, entry, stale)


async def enter(request: web.Request) -> web.Response:
    """Let somebody in who shows a name and a password, or a key."""
    entry = await read_fields(request, Entry)
    try:
        token, age = await _token(request, entry)
    except LlmdError as error:
        return await _form(request, entry, error)
    response = _go(inside(entry.next))
    visits.write(request, response, "login", token, age)
    return response


async def leave(request: web.Request) -> web.Response:
    """End a login."""
    services, token = request.app[SERVICES], request[VISIT].token
    if token and services.access.mode is not AuthMode.KEYS:
        with suppress(Unauthorized):  # it is over already, or was a key
            await services.login.logout(token)
    response = _go("/login")
    visits.write(request, response, "login", "")
    return response


def inside(path: str) -> str:
    """Return a path of a page of this site: nobody is sent elsewhere."""
    plain = path.startswith("/") and path.isprintable() and "\\" not in path
    return path if plain and not path.startswith(("//", "/web/", "/login")) else "/"


async def _token(request: web.Request, entry: Entry) -> tuple[str, int]:
    """Return what the browser shall show from now on, and for how many seconds."""
    services, address = request.app[SERVICES], credentials(request).address
    if not entry.key:
        login = await services.login.browse(entry.name, entry.password, address)
        return login.token, login.expires_in
    token, lifetime = entry.key.strip(), services.security.browser_lifetime
    try:
        caller = await services.access.identify(Credentials(token=token, address=address))
        if not (caller.user or caller.key):
            raise InvalidKey("There is no such key.", hint="`llmd keys add` makes one.")
    except Unauthorized:
        # those who guess keys use up the limit of their address
        request[STANDING] = services.limits.admit(Caller(address=address))
        raise
    return token, max(1, int(lifetime)) if lifetime.limited else visits.YEAR


async def _form(request: web.Request, entry: Entry, error: LlmdError | None = None) -> web.Response:
    wrong = await _told(request, error) if error else ""
    response = await page(
        request,
        "login.html",
        status=error.status if error else HTTPStatus.OK,
        next=inside(entry.next),
        name=entry.name,
        with_key=bool(entry.key),
        wrong=wrong,
    )
    if error and error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(error.retry_after)
    return response


async def _told(request: web.Request, error: LlmdError) -> str:
    """Return what the page says of an error, in its own language where it is a usual one."""
    t = said(request, await request.app[SITE].get())
    if isinstance(error, RateLimited):
        return t("login.throttled", seconds=error.retry_after or 1)
    if isinstance(error, StalePage):
        return t("login.stale")
    if isinstance(error, InvalidKey):
        return t("login.no_key")
    if isinstance(error, Unauthorized):
        return t("login.disabled" if error.details.get("reason") == "disabled" else "login.wrong")
    return str(error)


def _go(path: str) -> web.Response:
    headers = {hdrs.LOCATION: path, hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


ROUTES = (
    get("/login", ask, None),
    post("/login", enter, None),
    post("/logout", leave, None),
)
