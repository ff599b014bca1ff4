"""Control calls for those who watch the daemon."""

from __future__ import annotations

from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.protocol.feed import Snapshot
from llmd.server.dialects.control import convert
from llmd.server.dialects.control.routes.answers import lines
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get


async def feed(request: web.Request) -> web.StreamResponse:
    """Tell once a second how everything stands, until the watcher leaves."""
    return await lines(request, request.app[SERVICES].feed.watch(), convert.line)


ROUTES = (get("/feed", feed, Scope.ADMIN, events=Snapshot, streams_as="application/x-ndjson"),)
