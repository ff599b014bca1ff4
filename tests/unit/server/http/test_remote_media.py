"""Fetching by URL, from a server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from llmd.config.settings import MediaSettings
from llmd.config.values import Duration, Size
from llmd.errors import InvalidRequest
from llmd.server.http import remote_media
from llmd.server.http.remote_media import fetch

WHERE = "messages[0].content[1]"
BODY = b"\x89PNG" + bytes(500)


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    """Serve these and give HOST:PORT."""
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def picture(request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="image/png")


def allowing(hosts: str, **changes: Any) -> MediaSettings:
    return MediaSettings(allowed_hosts=hosts, **changes)


async def refused(url: str, settings: MediaSettings) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        await fetch([(WHERE, url)], settings)
    assert caught.value.param == WHERE
    return caught.value


async def test_a_listed_address_is_fetched_in_order_and_as_it_is() -> None:
    async def small(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in request.headers
        return web.Response(body=b"small")

    async with serving(web.get("/p.png", picture), web.get("/s", small)) as host:
        urls = [(WHERE, f"http://{host}/s"), (WHERE, f"http://{host}/p.png")]
        assert await fetch(urls, allowing(f"example.org, {host}")) == [b"small", BODY]
    assert await fetch([], allowing("")) == []


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://example.org/x", ""),
        ("http://example.org/x", "example.com"),
        ("http://example.org:8080/x", "example.org"),
        ("http://example.org.evil.test/x", "example.org"),
        ("http://sub.example.org/x", "example.org"),
        ("http://127.0.0.1:80/x", "127.0.0.1:81"),
    ],
)
async def test_hosts_that_are_not_listed_are_refused(url: str, hosts: str) -> None:
    error = await refused(url, allowing(hosts))
    assert "may not be fetched from" in error.message
    assert "media.allowed_hosts" in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://user:password@example.org/x",
        "http://user@example.org/x",
        "http:///x",
        "http://",
        "http://[::1/x",
        "http://example.org:99999/x",
    ],
)
async def test_what_is_no_plain_url_is_refused(url: str) -> None:
    assert await refused(url, allowing("example.org"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[fe80::1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
    ],
)
async def test_a_private_address_must_be_listed_with_its_port(host: str) -> None:
    bare = host.strip("[]")
    assert "private" in (await refused(f"http://{host}/x", allowing(bare))).message


async def test_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    async with serving(web.get("/p.png", picture)) as host:
        port = host.partition(":")[2]
        listed = allowing(f"localhost:{port}")
        assert await fetch([(WHERE, f"http://localhost:{port}/p.png")], listed) == [BODY]
    error = await refused("http://localhost/p.png", allowing("localhost"))
    assert "private address" in error.message


async def test_redirects_stay_on_the_host() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://example.org/p.png")

    async def here(request: web.Request) -> web.Response:
        raise web.HTTPFound("/p.png")

    async def ring(request: web.Request) -> web.Response:
        raise web.HTTPFound("/ring")

    async def nowhere(request: web.Request) -> web.Response:
        return web.Response(status=302)

    async with serving(
        web.get("/p.png", picture),
        web.get("/elsewhere", elsewhere),
        web.get("/here", here),
        web.get("/ring", ring),
        web.get("/nowhere", nowhere),
    ) as host:
        settings = allowing(f"{host},example.org")
        assert await fetch([(WHERE, f"http://{host}/here")], settings) == [BODY]
        assert "another host" in (await refused(f"http://{host}/elsewhere", settings)).message
        assert "too often" in (await refused(f"http://{host}/ring", settings)).message
        assert "too often" in (await refused(f"http://{host}/nowhere", settings)).message
        assert "status 404" in (await refused(f"http://{host}/gone", settings)).message


async def test_too_large_a_body_is_given_up_while_it_comes() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))
            sent += 1 << 16

    async with serving(web.get("/", endless)) as host:
        error = await refused(f"http://{host}/", allowing(host, max_bytes=Size(1_000_000)))
    assert "larger than 1000000 bytes" in error.message
    assert sent < 50_000_000


async def test_a_slow_server_is_given_up() -> None:
    asked = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(30)
        return web.Response()

    async with serving(web.get("/", slow)) as host:
        settings = allowing(host, fetch_timeout=Duration(0.2))
        assert "within" in (await refused(f"http://{host}/", settings)).message
    assert asked.is_set()


async def test_a_server_that_is_not_there_is_a_refusal() -> None:
    async with serving() as host:
        pass
    assert "not reachable" in (await refused(f"http://{host}/", allowing(host))).message


async def test_proxies_of_the_environment_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(web.get("/p.png", picture)) as host:
        assert await fetch([(WHERE, f"http://{host}/p.png")], allowing(host)) == [BODY]


async def test_addresses_are_checked_again_when_the_connection_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def rebound(self: object, host: str, port: int, family: int) -> list[dict[str, object]]:
        return [{"host": "127.0.0.1", "port": port, "hostname": host, "family": family}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", rebound)
    error = await refused("http://example.org/x", allowing("example.org"))
    assert "private address" in error.message
    assert remote_media._is_public("93.184.216.34")
