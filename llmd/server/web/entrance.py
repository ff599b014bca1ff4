"""Who gets to a page, and whose calls count.

Callers are found by the browser's cookie alone. On an open daemon that only this machine reaches,
whoever sits before it may do everything: nothing is kept from them that the command line would not
let them have. Other sites may link to pages and nothing else. A call that changes something needs
the stamp of the page it comes from as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from aiohttp import hdrs, web

from llmd.config.networks import is_loopback
from llmd.config.settings import AuthMode
from llmd.errors import Forbidden, LlmdError, StalePage, Unauthorized
from llmd.protocol.callers import EVERYTHING, Caller, Scope
from llmd.security.origins import own
from llmd.server.http.boundary import ClientGone, Handler, translate
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, DIALECT, SERVICES, SETTINGS, STANDING
from llmd.server.http.middleware.host_check import host_name
from llmd.server.http.route import Route
from llmd.server.web import visits
from llmd.server.web.forms import posted
from llmd.server.web.pages import trouble
from llmd.server.web.visits import VISIT

STAMP = "X-LLMD-Stamp"
"""Header in which calls show the stamp of their page; forms have it in the field `stamp`."""
CALLS = "/web/"
"""Below it are calls of pages, everything else is a page."""

_LOGIN = "/login"
_SAFE = {hdrs.METH_GET, hdrs.METH_HEAD}
_OWN_SITE = {"same-origin", "none"}
_HANDED_ON = {"forwarded", "via", "x-real-ip"}
"""Headers of reverse proxies, as are those that begin with `x-forwarded-`."""


def admitted(route: Route, dialect: str) -> Handler:
    """Return a route's handler for those who may."""

    async def admit(request: web.Request) -> web.StreamResponse:
        request[DIALECT] = dialect
        visit = request[VISIT] = visits.read(request)
        _keep_out_others(request)
        if request.path.startswith(CALLS):
            return await _answer(request, route)
        try:
            response = await _answer(request, route)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  the boundary, of what people look at
            response = await _refuse(request, translate(error))
        # with pages only: caches would hand the cookie of a file to others
        if visit.fresh and not response.prepared and response.content_type == "text/html":
            visits.write(request, response, "visit", visit.id)
        return response

    return admit


async def _answer(request: web.Request, route: Route) -> web.StreamResponse:
    caller = request[CALLER] = await _identify(request)
    _permit(request, caller, route)
    await _check_stamp(request)
    return await route.handler(request)


async def still_may(request: web.Request, scopes: Iterable[Scope]) -> bool:
    """Whether the caller may still get an answer that goes on for hours: logins end, keys are
    revoked, roles change.
    """
    try:
        caller = await _identify(request)
        for scope in scopes:
            request.app[SERVICES].access.permit(caller, scope)
    except LlmdError:
        return False
    return True


def _permit(request: web.Request, caller: Caller, route: Route) -> None:
    services = request.app[SERVICES]
    try:
        services.access.permit(caller, route.scope)
    except (Unauthorized, Forbidden):
        # those who try everything use up the limit of their address
        request[STANDING] = services.limits.admit(Caller(address=caller.address))
        raise


async def _identify(request: web.Request) -> Caller:
    access = request.app[SERVICES].access
    shown = msgspec.structs.replace(credentials(request), token=request[VISIT].token)
    caller = await access.admit(shown, None)
    stranger = not (caller.user or caller.key)
    if stranger and access.mode is AuthMode.OPEN and _alone(request):
        return msgspec.structs.replace(caller, scopes=EVERYTHING)
    return caller


def _alone(request: web.Request) -> bool:
    """Whether only this machine can be asking: it listens to no other, it is called by a name of
    this machine, and no proxy says that it hands something on.
    """
    ends = request.app[SETTINGS].host, request.remote or "", _called(request)
    headers = [name.lower() for name in request.headers]
    handed_on = any(name in _HANDED_ON or name.startswith("x-forwarded-") for name in headers)
    return all(is_loopback(end) for end in ends) and not handed_on


def _called(request: web.Request) -> str:
    name = host_name(request.headers.get(hdrs.HOST, ""))
    return "localhost" if name.endswith(".localhost") else name


def _keep_out_others(request: web.Request) -> None:
    """Raise Forbidden for what another site asks for, unless it is a link to a page. Browsers say
    so in Sec-Fetch-Site, which knows better than Origin and Host what lies behind proxies; where
    they do not, for plain HTTP between machines, Origin has to do.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = request.headers.get(hdrs.ORIGIN, "")
    ours = site in _OWN_SITE if site else not origin or own(origin, request.headers.get("Host", ""))
    follows_link = (
        request.method in _SAFE
        and not request.path.startswith(CALLS)
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
    )
    if not ours and not follows_link:
        raise Forbidden(
            "Another site may not do this.",
            hint="Use llmd's own page. A proxy before it has to hand on the Host header.",
        )


async def _check_stamp(request: web.Request) -> None:
    if request.method in _SAFE:
        return
    shown = request.headers.get(STAMP, "") or str((await posted(request)).get("stamp", ""))
    if not await request.app[SERVICES].signing.stamped(request[VISIT].seal, shown):
        raise StalePage("This page is out of date.", hint="Load it again.")


async def _refuse(request: web.Request, error: LlmdError) -> web.StreamResponse:
    """Return the page that tells of an error; those who have to say who they are come to do so."""
    if isinstance(error, Unauthorized) and request.method in _SAFE:
        return _login("next=" + quote(request.path_qs, safe="/"))
    if isinstance(error, StalePage) and request.path == _LOGIN:
        return _login("stale=true")
    response = await trouble(request, error)
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(error.retry_after)
    return response


def _login(query: str) -> web.Response:
    headers = {hdrs.LOCATION: f"{_LOGIN}?{query}", hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)
