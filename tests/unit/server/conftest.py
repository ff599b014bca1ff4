"""The HTTP application over services with fake workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web_app
from aiohttp.test_utils import TestClient, TestServer

from llmd.config.settings import AuthMode, SecuritySettings, ServerSettings
from llmd.config.values import Duration, Size
from llmd.protocol.callers import Scope
from llmd.server.application import SOCKET_MOUNTS, TCP_MOUNTS, build
from tests.unit.services.conftest import Bench

Client = TestClient[Any, Any]
Connect = Callable[..., Coroutine[Any, Any, Client]]


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """Let go of the applications of a module: aiohttp would remember a thousand."""
    yield
    remembered = getattr(web_app, "_cached_build_middleware", None)
    if remembered:
        remembered.cache_clear()


@pytest.fixture
async def bench(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "models", tiny_model)
    yield made
    await made.pool.close()
    await made.close()


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


class Guarded:
    """A TCP application that asks who calls, and the services under it."""

    def __init__(self, bench: Bench, client: Client) -> None:
        self.bench = bench
        self.client = client

    async def key(self, *scopes: Scope) -> dict[str, str]:
        """Return the headers of a new key."""
        made = await self.bench.services.keys.create(scopes=scopes or None)
        return {"Authorization": f"Bearer {made.secret}"}


Guard = Callable[..., Coroutine[Any, Any, Guarded]]


@pytest.fixture
async def guard(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Guard]:
    """Return a function that serves TCP with settings of security, and a `host` to listen on."""
    opened: list[Guarded] = []

    async def open_guarded(
        mode: AuthMode = AuthMode.KEYS, host: str = "127.0.0.1", **security: object
    ) -> Guarded:
        settings = SecuritySettings(mode=mode, **security)  # type: ignore[arg-type]  # a test's shorthand
        bench = Bench(tmp_path / f"models{len(opened)}", tiny_model, security=settings)
        server = ServerSettings(host=host, ping_interval=Duration(0.02))
        application = build(bench.services, server, TCP_MOUNTS, trusted=False)
        client = TestClient(TestServer(application, handler_cancellation=True))
        await client.start_server()
        opened.append(Guarded(bench, client))
        return opened[-1]

    yield open_guarded
    for guarded in opened:
        await guarded.client.close()
        await guarded.bench.pool.close()
        await guarded.bench.close()
