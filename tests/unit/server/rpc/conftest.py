"""The gRPC server over services with fake workers, and a client in the same loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc import aio

from llmd.config.grpc import GrpcSettings
from llmd.config.settings import ServerSettings
from llmd.server.rpc.generated.model_pb2_grpc import ModelServiceStub
from llmd.server.rpc.server import RpcServer
from llmd.services.bundle import Services
from tests.unit.services.conftest import Bench

Connect = Callable[..., Coroutine[Any, Any, aio.Channel]]


@pytest.fixture
async def serve(bench: Bench) -> AsyncIterator[Connect]:
    """Return a function that starts a server and returns a channel to it."""
    async with AsyncExitStack() as stack:

        async def start(
            services: Services = bench.services,
            http: ServerSettings | None = None,
            options: tuple[tuple[str, object], ...] = (),
            **settings: object,
        ) -> aio.Channel:
            server = RpcServer(services, GrpcSettings(port=0, **settings), http or ServerSettings())
            await server.start()
            stack.push_async_callback(server.stop)
            return await stack.enter_async_context(
                aio.insecure_channel(server.address, options=options)
            )

        yield start
    await bench.pool.close()


@pytest.fixture
async def stub(serve: Connect) -> ModelServiceStub:
    return ModelServiceStub(await serve())
