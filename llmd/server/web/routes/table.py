"""All pages and their calls in one table."""

from __future__ import annotations

from aiohttp import web

from llmd.server.http.keys import SERVICES
from llmd.server.http.route import Mount
from llmd.server.web.entrance import admitted
from llmd.server.web.live import Live
from llmd.server.web.pages import SITE, Sites
from llmd.server.web.replies import encode
from llmd.server.web.routes import (
    audit,
    bar,
    chat,
    deployments,
    export,
    files,
    front,
    keys,
    login,
    logs,
    model_dialogs,
    model_orders,
    model_search,
    models,
    overview,
    requests,
    settings,
    turns,
    users,
    watching,
)
from llmd.server.web.routes.watching import LIVE

REGIONS = (
    *bar.REGIONS,
    *models.REGIONS,
    *overview.REGIONS,
    *requests.REGIONS,
    *deployments.REGIONS,
)

MOUNTS = (
    Mount(
        "",
        (
            *front.ROUTES,
            *chat.ROUTES,
            *turns.ROUTES,
            *export.ROUTES,
            *login.ROUTES,
            *models.ROUTES,
            *model_dialogs.ROUTES,
            *model_orders.ROUTES,
            *model_search.ROUTES,
            *overview.ROUTES,
            *requests.ROUTES,
            *deployments.ROUTES,
            *users.ROUTES,
            *keys.ROUTES,
            *audit.ROUTES,
            *logs.ROUTES,
            *settings.ROUTES,
            *watching.ROUTES,
            *files.ROUTES,
        ),
        encode,
        admit=admitted,
    ),
)


def attach(application: web.Application) -> None:
    """Give an application what the pages need."""
    application[SITE] = Sites()
    application[LIVE] = Live(application[SERVICES], REGIONS)
