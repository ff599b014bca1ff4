"""Which web pages may call: those of `security.cors_origins`, and no others.

Browsers keep what other pages ask for from being read, but not from being done. So where no key is
asked for, foreign pages are refused whatever might change something; and WebSockets everywhere,
which browsers open without asking. No answer allows cookies: those of llmd are for its own pages,
which let no other page call at all (web/entrance.py).
"""

from __future__ import annotations

from aiohttp import hdrs, web

from llmd.config.settings import AuthMode
from llmd.errors import Forbidden
from llmd.security.origins import configured, listed, local, own
from llmd.server.http.boundary import Handler
from llmd.server.http.keys import SERVICES

_SAFE = {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS}
_METHODS = "GET, POST, PUT, DELETE"
_HEADERS = "Authorization, Content-Type, X-Api-Key, X-Request-Id"
_EXPOSED = (
    "X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    "X-RateLimit-Resource, X-LLMD-Queue-Position, X-LLMD-Estimated-Wait, X-LLMD-Dropped-Tokens"
)
_REMEMBERED = "600"
"""Seconds for which a browser need not ask again."""


@web.middleware
async def cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer browsers that ask whether they may, which needs no key; raise Forbidden for pages that
    may not.
    """
    origin = request.headers.get(hdrs.ORIGIN, "")
    if not origin:
        return await handler(request)
    allowed = _allowed(request, origin)
    is_options = request.method == hdrs.METH_OPTIONS
    asks = is_options and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    if asks and allowed:
        return _permission(request)
    # browsers ask only for pages that come from elsewhere, and go by the answer
    if not allowed and (asks or (_matters(request) and not _near(request, origin))):
        raise Forbidden(
            f"Pages of {origin[:100]} may not call llmd.",
            hint="Add the origin to security.cors_origins.",
        )
    return await handler(request)


async def mark(request: web.Request, response: web.StreamResponse) -> None:
    """Tell browsers that a page may read the answer, if it may."""
    if not request.app[SERVICES].security.cors_origins:
        return
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    origin = request.headers.get(hdrs.ORIGIN, "")
    if origin and _allowed(request, origin):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED


def _permission(request: web.Request) -> web.Response:
    # what SDKs send along differs, and none of it opens anything
    wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
    plain = wanted if wanted.isascii() and wanted.isprintable() else ""
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: plain or _HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: _REMEMBERED,
            hdrs.VARY: hdrs.ACCESS_CONTROL_REQUEST_HEADERS,
        },
    )


def _allowed(request: web.Request, origin: str) -> bool:
    return configured(origin, listed(request.app[SERVICES].security.cors_origins))


def _matters(request: web.Request) -> bool:
    if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        return True
    is_open = request.app[SERVICES].access.mode is AuthMode.OPEN
    return is_open and request.method not in _SAFE


def _near(request: web.Request, origin: str) -> bool:
    return own(origin, request.headers.get(hdrs.HOST, "")) or local(origin)
