"""Who may go through to a route's handler: callers who may ask for it, within their limits."""

from __future__ import annotations

from contextlib import nullcontext

from aiohttp import web

from llmd.errors import Forbidden, RateLimited, Unauthorized
from llmd.protocol.callers import Caller
from llmd.server.http.boundary import Handler
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, DIALECT, SERVICES, STANDING
from llmd.server.http.route import Route
from llmd.services.limits import standing

_SWITCHING_PROTOCOLS = 101


def admitted(route: Route, dialect: str) -> Handler:
    """Return a route's handler for those who may ask; `dialect` is its name in metrics."""

    async def admit(request: web.Request) -> web.StreamResponse:
        request[DIALECT] = dialect
        try:
            await _identify(request, route)
            return await _answer(request, route)
        except RateLimited as error:
            if told := standing(error):
                request[STANDING] = told
            raise

    return admit


async def _identify(request: web.Request, route: Route) -> None:
    services = request.app[SERVICES]
    shown = credentials(request)
    try:
        request[CALLER] = await services.access.admit(shown, route.scope)
    except (Unauthorized, Forbidden):
        # those who guess keys use up the limit of their address
        request[STANDING] = services.limits.admit(Caller(address=shown.address))
        raise


async def _answer(request: web.Request, route: Route) -> web.StreamResponse:
    limits, caller = request.app[SERVICES].limits, request[CALLER]
    if route.scope is None:
        return await route.handler(request)  # health checks and the like
    request[STANDING] = limits.admit(caller)
    # a WebSocket is open for hours: what takes a place there are its messages
    upgrades = route.status == _SWITCHING_PROTOCOLS
    with nullcontext() if upgrades else limits.occupy(caller):
        return await route.handler(request)


async def annotate(request: web.Request, response: web.StreamResponse) -> None:
    """Put `X-RateLimit-*` on an answer that is about to be sent, whatever it is."""
    told = request.get(STANDING)
    if told is None:
        caller = request.get(CALLER) or Caller(address=credentials(request).address)
        told = request.app[SERVICES].limits.look(caller)
    response.headers.update(told.headers())
