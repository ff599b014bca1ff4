"""The first page of the administration: figures as they come."""

from __future__ import annotations

from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.server.http.route import get
from llmd.server.web.live import Region, snapshot_itself
from llmd.server.web.pages import page


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    return await page(request, "admin/overview.html")


REGIONS = (Region(name="overview", template="admin/overview_live.html", facts=snapshot_itself),)
ROUTES = (get("/admin", show, Scope.METRICS),)
