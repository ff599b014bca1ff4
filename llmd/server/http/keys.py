"""Typed keys of what an aiohttp application and a request carry."""

from __future__ import annotations

from aiohttp import web

from llmd.config.settings import ServerSettings
from llmd.protocol.callers import Caller
from llmd.protocol.limits import Standing
from llmd.server.http.connections import Watch
from llmd.services.bundle import Services

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
STREAM: web.RequestKey[web.StreamResponse] = web.RequestKey("stream", web.StreamResponse)
IDENTITY: web.RequestKey[str] = web.RequestKey("identity", str)
"""The `X-Request-Id` of a request."""
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Who sent it; known to the handlers of all routes."""
STANDING: web.RequestKey[Standing] = web.RequestKey("standing", Standing)
"""How its sender stands with their limits, once that was looked up."""
DIALECT: web.RequestKey[str] = web.RequestKey("dialect", str)
"""Name of the dialect whose route it is."""
WATCH: web.AppKey[Watch] = web.AppKey("watch", Watch)
"""What watches the connections of the listener."""
TRUSTED: web.AppKey[bool] = web.AppKey("trusted", bool)
"""Whether the listener is the Unix socket, which is the owner's alone."""
SETTINGS: web.AppKey[ServerSettings] = web.AppKey("settings", ServerSettings)
