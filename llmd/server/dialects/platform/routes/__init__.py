"""Paths of the platform's API, one file per noun: chat.py (HTTP and WebSocket), accounts.py (users,
keys, logins), models.py (presets); answers.py is how they answer, table.py puts them together.

Nouns: `ROUTES` (below `/platform`), `ADMIN_ROUTES`, `AUTH_ROUTES` and `SOCKET_ROUTES` (which also
answer at the documented path itself).
"""

from llmd.server.dialects.platform.routes.table import (
    ADMIN_ROUTES,
    AUTH_ROUTES,
    ROUTES,
    SOCKET_ROUTES,
)

__all__ = ["ADMIN_ROUTES", "AUTH_ROUTES", "ROUTES", "SOCKET_ROUTES"]
