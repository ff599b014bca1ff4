"""The HTTP application over services with fake workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from llmd.config.settings import ServerSettings
from llmd.config.values import Duration, Size
from llmd.server.application import SOCKET_MOUNTS, TCP_MOUNTS, build
from tests.unit.services.conftest import Bench

Client = TestClient[Any, Any]
Connect = Callable[..., Coroutine[Any, Any, Client]]


@pytest.fixture
def bench(tmp_path: Path, tiny_model: Path) -> Bench:
    return Bench(tmp_path / "models", tiny_model)


@pytest.fixture
async def connect(bench: Bench) -> AsyncIterator[Connect]:
    """Return a function that serves the application as one of the two listeners does."""
    clients: list[Client] = []

    async def open_client(*, tcp: bool = False, **settings: object) -> Client:
        plain = ServerSettings(max_body=Size(100_000), ping_interval=Duration(0.02))
        merged = {name: getattr(plain, name) for name in plain.__struct_fields__} | settings
        mounts = TCP_MOUNTS if tcp else SOCKET_MOUNTS
        application = build(bench.services, ServerSettings(**merged), mounts, trusted=not tcp)
        client = TestClient(TestServer(application, handler_cancellation=True))
        await client.start_server()
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        await client.close()
    await bench.pool.close()
