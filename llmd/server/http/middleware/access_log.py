"""One log line per request, tied together by `X-Request-Id`."""

from __future__ import annotations

import logging
import re
import time
import uuid

import structlog
from aiohttp import web

from llmd.server.http.boundary import Handler
from llmd.server.http.keys import IDENTITY

_QUIET = {"/health", "/metrics", "/control/status", "/control/ps", "/control/requests"}
_CLIENT_ERROR = 400
_TRACE = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log method, path, status and milliseconds; a handler cancelled by its client's leaving is
    logged as 499.
    """
    given = request.headers.get("X-Request-Id", "")
    # it goes into headers, logs and terminals, so no other characters than these
    identity = given if _TRACE.fullmatch(given) else uuid.uuid4().hex
    request[IDENTITY] = identity
    started = time.monotonic()
    status = 499
    with structlog.contextvars.bound_contextvars(request=identity):
        try:
            response = await handler(request)
            status = response.status
            if not response.prepared:
                response.headers["X-Request-Id"] = identity
            return response
        finally:
            log = structlog.get_logger("http")
            quiet = request.path in _QUIET and status < _CLIENT_ERROR
            ms = round((time.monotonic() - started) * 1000, 1)
            log.log(
                logging.DEBUG if quiet else logging.INFO,
                "request",
                method=request.method,
                path=request.path,
                status=status,
                ms=ms,
            )
