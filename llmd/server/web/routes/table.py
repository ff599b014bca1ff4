"""All pages and their calls in one table."""

from __future__ import annotations

from aiohttp import web

from llmd.server.http.keys import SERVICES
from llmd.server.http.route import Mount
from llmd.server.web.entrance import admitted
from llmd.server.web.live import Live
from llmd.server.web.pages import SITE, Sites
from llmd.server.web.replies import encode
from llmd.server.web.routes import files, front, overview, watching
from llmd.server.web.routes.watching import LIVE

REGIONS = (*overview.REGIONS,)

MOUNTS = (
    Mount(
        "",
        (*front.ROUTES, *overview.ROUTES, *watching.ROUTES, *files.ROUTES),
        encode,
        admit=admitted,
    ),
)


def attach(application: web.Application) -> None:
    """Give an application what the pages need."""
    application[SITE] = Sites()
    application[LIVE] = Live(application[SERVICES], REGIONS)
