"""All control calls in one table."""

from __future__ import annotations

from llmd.server.dialects.control.routes import accounts, models, sessions, settings, watching

ROUTES = (
    *models.ROUTES,
    *settings.ROUTES,
    *accounts.ROUTES,
    *sessions.ROUTES,
    *watching.ROUTES,
)
