"""Typed keys of what an aiohttp application and a request carry."""

from __future__ import annotations

from aiohttp import web

from llmd.config.settings import ServerSettings
from llmd.services.bundle import Services

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
STREAM: web.RequestKey[web.StreamResponse] = web.RequestKey("stream", web.StreamResponse)
IDENTITY: web.RequestKey[str] = web.RequestKey("identity", str)
"""The `X-Request-Id` of a request."""
SETTINGS: web.AppKey[ServerSettings] = web.AppKey("settings", ServerSettings)
