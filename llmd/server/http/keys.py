"""Typed keys of what an aiohttp application and a request carry."""

from __future__ import annotations

from aiohttp import web

from llmd.config.settings import ServerSettings
from llmd.protocol.callers import Caller
from llmd.services.bundle import Services

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
STREAM: web.RequestKey[web.StreamResponse] = web.RequestKey("stream", web.StreamResponse)
IDENTITY: web.RequestKey[str] = web.RequestKey("identity", str)
"""The `X-Request-Id` of a request."""
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Who sent it; known to the handlers of all routes."""
TRUSTED: web.AppKey[bool] = web.AppKey("trusted", bool)
"""Whether the listener is the Unix socket, which is the owner's alone."""
SETTINGS: web.AppKey[ServerSettings] = web.AppKey("settings", ServerSettings)
