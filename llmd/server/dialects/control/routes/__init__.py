"""Paths of the control calls, one file per noun: models.py (models, the disk, the daemon itself),
settings.py, accounts.py (users, keys and what was noted of them), sessions.py (kept conversations),
watching.py (the feed); answers.py is how all of them answer, table.py puts them together.

Nouns: `ROUTES`. All of it is for the owner, on the Unix socket alone.
"""

from llmd.server.dialects.control.routes.table import ROUTES

__all__ = ["ROUTES"]
