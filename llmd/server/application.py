"""The one table of mounts, and the aiohttp applications built from it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from llmd.config.settings import ServerSettings
from llmd.server.dialects.control import errors as control_errors
from llmd.server.dialects.control import routes as control_routes
from llmd.server.dialects.native import errors as native_errors
from llmd.server.dialects.native import routes as native_routes
from llmd.server.dialects.openai import errors as openai_errors
from llmd.server.dialects.openai import routes as openai_routes
from llmd.server.http.boundary import Encode, Handler, bounded, respond, translate
from llmd.server.http.callers import credentials
from llmd.server.http.keys import CALLER, SERVICES, SETTINGS, TRUSTED
from llmd.server.http.middleware.access_log import access_log
from llmd.server.http.middleware.host_check import host_check
from llmd.server.http.route import Route
from llmd.services.bundle import Services


class Mount(msgspec.Struct, frozen=True):
    """A dialect at a base path."""

    prefix: str
    routes: Sequence[Route]
    encode_error: Encode


OPENAI = Mount("/v1", openai_routes.ROUTES, openai_errors.encode)
NATIVE = Mount("", native_routes.ROUTES, native_errors.encode)
NATIVE_API = Mount("/api/v1", native_routes.ROUTES, native_errors.encode)
SHORT = Mount("", openai_routes.SHORT_ROUTES, openai_errors.encode)
CONTROL = Mount("/control", control_routes.ROUTES, control_errors.encode)

TCP_MOUNTS = (OPENAI, NATIVE_API, NATIVE, SHORT)
SOCKET_MOUNTS = (OPENAI, CONTROL, NATIVE_API, NATIVE, SHORT)
"""The Unix socket belongs to the owner: the same, and control calls, which live only here."""


def build(
    services: Services, settings: ServerSettings, mounts: Sequence[Mount], *, trusted: bool
) -> web.Application:
    """Return an application that serves `mounts`; of those whose prefix fits a path the first one
    speaks for it. `trusted` is the Unix socket, whose callers are the owner.
    """
    middlewares: list[Middleware] = [access_log, _speak(mounts)]
    if not trusted:
        middlewares.append(host_check)
    application = web.Application(client_max_size=settings.max_body, middlewares=middlewares)
    application[SERVICES] = services
    application[SETTINGS] = settings
    application[TRUSTED] = trusted
    for mount in mounts:
        for route in mount.routes:
            handler = bounded(_admitted(route), mount.encode_error)
            application.router.add_route(route.method, mount.prefix + route.path, handler)
    return application


def _admitted(route: Route) -> Handler:
    """Return a route's handler for those who may ask."""

    async def admit(request: web.Request) -> web.StreamResponse:
        access = request.app[SERVICES].access
        request[CALLER] = caller = await access.identify(credentials(request))
        access.permit(caller, route.scope)
        return await route.handler(request)

    return admit


def _speak(mounts: Sequence[Mount]) -> Middleware:
    """Return the middleware that answers for paths no route matched, in the dialect of their
    prefix.
    """

    @web.middleware
    async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001  the boundary, for what handlers never saw
            encode = next(
                mount.encode_error for mount in mounts if _covers(mount.prefix, request.path)
            )
            return respond(translate(error), encode)

    return speak


def _covers(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
