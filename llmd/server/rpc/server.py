"""The gRPC listener: `model.ModelService` with health and reflection, on the daemon's own loop."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection, reflection_pb2

from llmd.config.grpc import GrpcSettings
from llmd.config.settings import ServerSettings
from llmd.errors import ConfigInvalid
from llmd.server.rpc import tls
from llmd.server.rpc.door import SERVICE, Door
from llmd.server.rpc.servicer import METHODS
from llmd.services.bundle import Services

_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
_METADATA = 16 * 2**10
_LAST_WORDS = 1.0


class RpcServer:
    """The listener, with its life."""

    def __init__(self, services: Services, settings: GrpcSettings, http: ServerSettings) -> None:
        """Of the HTTP settings those count that are of connections in general."""
        self._settings = settings
        self._health = health.HealthServicer()
        self._server = aio.server(
            options=_options(settings, http), maximum_concurrent_rpcs=settings.max_calls
        )
        self._server.add_generic_rpc_handlers((Door(services, http).handlers(METHODS),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services_shown = [each.full_name for each in (SERVICE, _HEALTH, _REFLECTION)]
        reflection.enable_server_reflection(services_shown, self._server)
        self.address = ""

    async def start(self) -> None:
        """Listen; raise ConfigInvalid when the address cannot be had or certificates are wrong."""
        settings = self._settings
        credentials = tls.credentials(settings)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        await _try_address(settings)
        where = f"{host}:{settings.port}"
        try:
            if credentials:
                port = self._server.add_secure_port(where, credentials)
            else:
                port = self._server.add_insecure_port(where)
        except RuntimeError as error:
            raise _no_address(settings, "cannot be had") from error
        await self._server.start()
        await self._health.set(SERVICE.full_name, health_pb2.HealthCheckResponse.SERVING)
        self.address = f"{host}:{port}"

    async def drain(self) -> None:
        """Tell health checks that no new calls are taken."""
        await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Take no new connection and close the open ones."""
        await self._server.stop(_LAST_WORDS)


def _options(settings: GrpcSettings, http: ServerSettings) -> list[tuple[str, Any]]:
    """Return the limits of a connection, in gRPC's own words."""
    idle = http.keepalive_timeout
    return [
        ("grpc.so_reuseport", 0),  # else a second daemon would share the port in silence
        ("grpc.max_receive_message_length", int(settings.max_message)),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", _METADATA),
        ("grpc.max_concurrent_streams", settings.max_calls),
        # a peer that is gone without a word is noticed, and one that pings all the time sent away
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.max_connection_idle_ms", int(idle * 1000) if idle.limited else 2**31 - 1),
        ("grpc.server_handshake_timeout_ms", int(http.header_timeout * 1000)),
    ]


async def _try_address(settings: GrpcSettings) -> None:
    """Bind the address for a moment: the operating system says why it cannot be had, gRPC does
    not.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise _no_address(settings, error.strerror or str(error)) from error


def _no_address(settings: GrpcSettings, why: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"The gRPC address {settings.host}:{settings.port} cannot be had: {why}.",
        hint="Choose another with `llmd config set grpc.port PORT`, or stop what uses it.",
        param="grpc.port",
    )
