"""Paths of the pages, one file per part of the site: front.py (chat, login, languages), files.py
(scripts and styles), watching.py (what lives), and for `/admin` one file per page.

Nouns: `MOUNTS`, `attach`. table.py puts them together. A page is a GET outside `/web/`, everything
below `/web/` is a call of a page.
"""

from llmd.server.web.routes.table import MOUNTS, attach

__all__ = ["MOUNTS", "attach"]
