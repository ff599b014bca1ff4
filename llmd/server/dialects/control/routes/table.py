"""All control calls in one table."""

from __future__ import annotations

from llmd.server.dialects.control.routes import accounts, models, sessions, watching

ROUTES = (*models.ROUTES, *accounts.ROUTES, *sessions.ROUTES, *watching.ROUTES)
