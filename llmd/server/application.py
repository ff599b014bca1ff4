"""The one table of mounts, and the aiohttp applications built from it."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware

from llmd.config.settings import ServerSettings
from llmd.server.dialects.caiqitalk import errors as caiqitalk_errors
from llmd.server.dialects.caiqitalk import routes as caiqitalk_routes
from llmd.server.dialects.control import errors as control_errors
from llmd.server.dialects.control import routes as control_routes
from llmd.server.dialects.gateway import errors as gateway_errors
from llmd.server.dialects.gateway import routes as gateway_routes
from llmd.server.dialects.gateway.schema import ErrorAnswer as GatewayError
from llmd.server.dialects.native import errors as native_errors
from llmd.server.dialects.native import routes as native_routes
from llmd.server.dialects.openai import errors as openai_errors
from llmd.server.dialects.openai import routes as openai_routes
from llmd.server.dialects.platform import errors as platform_errors
from llmd.server.dialects.platform import routes as platform_routes
from llmd.server.dialects.stellarbyte import errors as stellarbyte_errors
from llmd.server.dialects.stellarbyte import routes as stellarbyte_routes
from llmd.server.http import websockets
from llmd.server.http.admission import admitted, annotate
from llmd.server.http.boundary import Handler, bounded, respond, translate
from llmd.server.http.connections import Watch
from llmd.server.http.keys import SERVICES, SETTINGS, TRUSTED, WATCH
from llmd.server.http.middleware.access_log import access_log
from llmd.server.http.middleware.cors import cors, mark
from llmd.server.http.middleware.host_check import host_check
from llmd.server.http.route import Mount
from llmd.server.openapi import serving
from llmd.server.web import routes as web_routes
from llmd.services.bundle import Services

OPENAI = Mount(
    "/v1", openai_routes.ROUTES, openai_errors.encode, "openai", openai_errors.ErrorObject
)
NATIVE = Mount("", native_routes.ROUTES, native_errors.encode, "native", native_errors.ErrorObject)
CAIQITALK = Mount(
    "/api/v1",
    caiqitalk_routes.ROUTES,
    caiqitalk_errors.encode,
    "caiqitalk",
    caiqitalk_errors.ErrorObject,
)
NATIVE_API = Mount(
    "/api/v1",
    native_routes.ROUTES,
    caiqitalk_errors.encode,
    "native",
    caiqitalk_errors.ErrorObject,
)
GATEWAY = Mount("/gateway", gateway_routes.ROUTES, gateway_errors.encode, "gateway", GatewayError)
STELLARBYTE = Mount(
    "/api",
    stellarbyte_routes.ROUTES,
    stellarbyte_errors.encode,
    "stellarbyte",
    stellarbyte_errors.ErrorObject,
)
PLATFORM = tuple(
    Mount(prefix, routes, platform_errors.encode, "platform", platform_errors.ErrorEnvelope)
    for prefix, routes in (
        ("/platform", platform_routes.ROUTES),
        # nothing else claims these, so they answer at the documented path as well
        ("/api/v1/admin", platform_routes.ADMIN_ROUTES),
        ("/api/v1/auth", platform_routes.AUTH_ROUTES),
        ("/api/v1/chat/stream", platform_routes.SOCKET_ROUTES),
    )
)
SHORT = Mount(
    "", openai_routes.SHORT_ROUTES, openai_errors.encode, "openai", openai_errors.ErrorObject
)
CONTROL = Mount("/control", control_routes.ROUTES, control_errors.encode)

TCP_MOUNTS = (
    *(OPENAI, GATEWAY, *PLATFORM, CAIQITALK, NATIVE_API, STELLARBYTE, NATIVE, SHORT),
    *web_routes.MOUNTS,
)
SOCKET_MOUNTS = (CONTROL, *TCP_MOUNTS)
"""The Unix socket belongs to the owner: the same, and control calls, which live only here."""


def build(
    services: Services, settings: ServerSettings, mounts: Sequence[Mount], *, trusted: bool
) -> web.Application:
    """Return an application that serves `mounts`; of those whose prefix fits a path the first one
    speaks for it. `trusted` is the Unix socket, whose callers are the owner.
    """
    middlewares: list[Middleware] = [access_log, _speak(mounts)]
    if not trusted:
        middlewares += [host_check, cors]
    application = web.Application(client_max_size=settings.max_body, middlewares=middlewares)
    application[SERVICES] = services
    application[SETTINGS] = settings
    application[TRUSTED] = trusted
    if not trusted:
        application.on_response_prepare.append(mark)
    application[WATCH] = Watch(services.connections, settings, trusted=trusted)
    application.on_response_prepare.append(annotate)
    websockets.attach(application)
    web_routes.attach(application)
    for mount in (*mounts, *serving.mounts(mounts)):
        for route in mount.routes:
            admit = mount.admit or admitted
            handler = bounded(admit(route, mount.name), mount.encode_error)
            application.router.add_route(route.method, mount.prefix + route.path, handler)
            if route.method == "GET" and route.status == HTTPStatus.OK:  # 101 opens a WebSocket
                application.router.add_route("HEAD", mount.prefix + route.path, handler)
    return application


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
