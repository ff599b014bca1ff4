"""Who gets to a page, and whose calls count.

Callers are found by the browser's cookie alone. On an open daemon that only this machine reaches,
whoever sits before it may do everything: nothing is kept from them that the command line would not
let them have. A call that changes something needs the stamp of the page it comes from, and where a
browser says which site it comes from, that has to be this one.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from aiohttp import hdrs, web

from llmd.config.settings import AuthMode
from llmd.errors import Forbidden, LlmdError, RateLimited, Unauthorized
from llmd.protocol.callers import EVERYTHING, Caller
from llmd.security.exposure import is_loopback
from llmd.security.origins import own
from llmd.server.http.boundary import Handler, translate
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, DIALECT, SERVICES, SETTINGS, STANDING
from llmd.server.http.route import Route
from llmd.server.web import visits
from llmd.server.web.pages import trouble
from llmd.server.web.visits import VISIT, Visit

STAMP = "X-LLMD-Stamp"
"""Header in which calls show the stamp of their page; forms have it in the field `stamp`."""
CALLS = "/web/"
"""Below it are calls of pages, everything else is a page."""

_SAFE = {hdrs.METH_GET, hdrs.METH_HEAD}
_OWN_SITE = {"same-origin", "none"}


def admitted(route: Route, dialect: str) -> Handler:
    """Return a route's handler for those who may."""

    async def admit(request: web.Request) -> web.StreamResponse:
        request[DIALECT] = dialect
        visit = request[VISIT] = visits.read(request)
        try:
            request[CALLER] = await _caller(request, visit, route)
            await _check(request, visit)
            response = await route.handler(request)
        except Exception as error:
            if request.path.startswith(CALLS):
                raise
            response = await _refuse(request, translate(error))
        if visit.fresh and not response.prepared:
            visits.write(request, response, "visit", visit.id)
        return response

    return admit


async def _caller(request: web.Request, visit: Visit, route: Route) -> Caller:
    services = request.app[SERVICES]
    shown = msgspec.structs.replace(credentials(request), token=visit.token)
    caller = await services.access.admit(shown, None)
    if services.access.mode is AuthMode.OPEN and not caller.user and _alone(request):
        caller = msgspec.structs.replace(caller, scopes=EVERYTHING)
    try:
        services.access.permit(caller, route.scope)
    except (Unauthorized, Forbidden):
        request[STANDING] = services.limits.admit(Caller(address=shown.address))
        raise
    return caller


def _alone(request: web.Request) -> bool:
    """Whether only this machine can be asking."""
    handed_on = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))
    here = is_loopback(request.app[SETTINGS].host) and is_loopback(request.remote or "")
    return here and not handed_on


async def _check(request: web.Request, visit: Visit) -> None:
    if request.method in _SAFE:
        return
    origin = request.headers.get(hdrs.ORIGIN, "")
    site = request.headers.get("Sec-Fetch-Site", "")
    if (origin and not own(origin, request.host)) or (site and site not in _OWN_SITE):
        raise Forbidden("Another site may not do this.", hint="Use llmd's own page.")
    shown = request.headers.get(STAMP, "") or await _field(request)
    if not await request.app[SERVICES].signing.stamped(visit.seal, shown):
        raise Stale("This page is out of date.", hint="Load it again.")


async def _field(request: web.Request) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    return str((await request.post()).get("stamp", ""))


class Stale(Forbidden):
    """The stamp of a page does not count (any more)."""

    code = "stale_page"


async def _refuse(request: web.Request, error: LlmdError) -> web.StreamResponse:
    """Return the page that tells of an error; those who have to say who they are come to do so."""
    if isinstance(error, Unauthorized) and request.method in _SAFE:
        return web.HTTPSeeOther("/login?next=" + quote(request.path_qs, safe="/"))
    response = await trouble(request, error)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(error.retry_after)
    return response
