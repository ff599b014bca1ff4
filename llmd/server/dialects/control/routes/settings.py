"""Control calls for those who change settings."""

from __future__ import annotations

from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.server.dialects.control import schema
from llmd.server.dialects.control.routes.answers import json
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get


async def show_setting(request: web.Request) -> web.Response:
    """Tell what a setting is now and will be after a restart."""
    setting = await request.app[SERVICES].settings.get(request.match_info["key"])
    return json(schema.SettingState(setting.value, setting.then, setting.pending, setting.override))


ROUTES = (get("/settings/{key}", show_setting, Scope.ADMIN),)
