"""One log line, one set of metrics and, where traces are collected, one span per request, tied
together by `X-Request-Id`.

Neither queries, which may hold tokens, nor anything of a body stands there.
"""

from __future__ import annotations

import logging
import re
import time
from random import getrandbits

import structlog
from aiohttp import hdrs, web

from llmd.server.http.boundary import Handler
from llmd.server.http.keys import CALLER, DIALECT, IDENTITY, SERVICES, WATCH
from llmd.telemetry import journal
from llmd.telemetry.journal import Journal

_QUIET = {"/health", "/metrics", "/web/live", "/web/who"} | {
    f"/control/{name}" for name in ("status", "ps", "requests", "feed")
}
_FILES = "/web/files/"
"""A page is made of a dozen of them."""
_CLIENT_ERROR = 400
_LEFT = 499
_TRACE = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_OTHER = "other"


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log who asked for what, the status, milliseconds, and what the model read and wrote; a
    handler cancelled by its client's leaving is logged as 499.
    """
    given = request.headers.get("X-Request-Id", "")
    # it goes into headers, logs and terminals, so no other characters than these
    identity = given if _TRACE.fullmatch(given) else f"{getrandbits(128):032x}"
    request[IDENTITY] = identity
    started = time.monotonic()
    status = _LEFT
    guard = request.app[WATCH].guard(request)
    if guard:
        guard.begin(request.content)
    tracing = request.app[SERVICES].tracing
    with (
        structlog.contextvars.bound_contextvars(request=identity),
        journal.keeping() as kept,
        tracing.request(request.headers) as span,
    ):
        try:
            response = await handler(request)
            status = response.status
            if not response.prepared:
                response.headers["X-Request-Id"] = identity
            if guard and guard.late:
                await guard.part(request, response)
            return response
        finally:
            seconds = time.monotonic() - started
            if guard:
                guard.end()
            told = _known(request, status, kept)
            if span:
                span.finish(f"{request.method} {_route(request)}", status, told, kept)
            _count(request, status, seconds)
            _log(request, status, {**told, "ms": round(seconds * 1000, 1)})


def _known(request: web.Request, status: int, kept: Journal) -> dict[str, str | int]:
    """Return what the log and the trace tell of a request."""
    caller = request.get(CALLER)
    told: dict[str, str | int] = {"method": request.method, "path": request.path, "status": status}
    if caller:
        told["caller"] = caller.label or caller.client
    if kept.model:
        told["model"] = kept.model
        told["prompt_tokens"] = kept.prompt_tokens
        told["completion_tokens"] = kept.completion_tokens
    return told


def _log(request: web.Request, status: int, told: dict[str, str | int | float]) -> None:
    often = request.path in _QUIET or request.path.startswith(_FILES)
    quiet = often and (status < _CLIENT_ERROR or status == _LEFT)
    log = structlog.get_logger("http")
    log.log(logging.DEBUG if quiet else logging.INFO, "request", **told)


def _count(request: web.Request, status: int, seconds: float) -> None:
    # what clients make up does not become a label
    method = request.method if request.method in hdrs.METH_ALL else _OTHER
    dialect = request.get(DIALECT, "")
    request.app[SERVICES].metrics.http.count(dialect, method, _route(request), status, seconds)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else _OTHER
