"""Paths of the native API."""

from __future__ import annotations

import msgspec
from aiohttp import web

from llmd.server.dialects.native import convert
from llmd.server.http.keys import SERVICES


async def health(request: web.Request) -> web.Response:
    """Tell whether requests are taken: 200, or 503 while draining."""
    body = convert.health(request.app[SERVICES].status.report())
    status = 200 if body.status == "healthy" else 503
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )


async def metrics(request: web.Request) -> web.Response:
    """Return the Prometheus text format."""
    body = request.app[SERVICES].metrics.render()
    return web.Response(
        body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


ROUTES = (web.get("/health", health), web.get("/metrics", metrics))
