from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from llmd.server import openapi
from llmd.server.application import TCP_MOUNTS
from llmd.server.http.boundary import bounded
from llmd.server.http.route import Mount
from llmd.server.openapi import serving

PAGES = Path(openapi.__file__).with_name("pages")
OWN = ["swagger.html", "redoc.html", "swagger.js", "redoc.js", "pages.css"]


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    stellar = [mount for mount in TCP_MOUNTS if mount.name == "openai"][:1]
    served = [
        *TCP_MOUNTS,
        *(Mount("/api", one.routes, one.encode_error, "openai", one.error) for one in stellar),
    ]
    application = web.Application()
    for mount in serving.mounts(served):
        for route in mount.routes:
            handler = bounded(route.handler, mount.encode_error)
            application.router.add_route(route.method, mount.prefix + route.path, handler)
    async with TestClient(TestServer(application)) as client:
        yield client


async def test_the_whole_document_and_that_of_a_dialect(client: TestClient[Any, Any]) -> None:
    whole = await (await client.get("/openapi.json")).json()
    one = await (await client.get("/openapi.json?dialect=native")).json()
    assert {"openai", "native"} <= {tag["name"] for tag in whole["tags"]}
    assert {tag["name"] for tag in one["tags"]} == {"native"}
    unknown = await client.get("/openapi.json?dialect=klingon")
    assert unknown.status == 404
    assert "native" in await unknown.text()


async def test_a_document_that_is_known_is_not_sent_again(client: TestClient[Any, Any]) -> None:
    first = await client.get("/openapi.json")
    again = await client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
    assert await again.read() == b""
    other = await client.get("/openapi.json", headers={"If-None-Match": '"other"'})
    assert other.status == 200


@pytest.mark.parametrize("base", ["", "/api"])
@pytest.mark.parametrize("page", ["docs", "redoc"])
async def test_everything_a_page_names_is_there(
    client: TestClient[Any, Any], base: str, page: str
) -> None:
    answer = await client.get(f"{base}/{page}")
    text = await answer.text()
    assert answer.content_type == "text/html"
    found = re.findall(r'(?:src|href)="([^"]*)"', text)
    named = found + re.findall(r"&quot;url&quot;: &quot;(.*?)&quot;", text)
    assert len(named) > 4
    for path in named:
        assert not path.startswith(("/", "http"))  # a proxy may have moved us
        assert (await client.get(f"{base}/{path}")).status == 200


async def test_pages_run_no_script_but_their_files(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert all(
        not inside for inside in re.findall(r"<script[^>]*>(.*?)</script>", await answer.text())
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("swagger.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("favicon-32x32.png", "image/png"),
    ],
)
async def test_files_are_kept_by_their_tags(
    client: TestClient[Any, Any], name: str, kind: str
) -> None:
    answer = await client.get(f"/docs/{name}")
    assert answer.content_type == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = await client.get(f"/docs/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "path", ["nothing.js", "swagger.html", "..%2Fserving.py", "%2E%2E%2F__init__.py", "README.txt"]
)
async def test_nothing_else_of_the_package_is_served(
    client: TestClient[Any, Any], path: str
) -> None:
    answer = await client.get(f"/docs/{path}", allow_redirects=False)
    assert answer.status == 404


def test_without_a_dialect_at_api_there_is_no_page_there() -> None:
    found = serving.mounts([mount for mount in TCP_MOUNTS if mount.prefix == ""])
    assert [mount.prefix for mount in found] == [""]


def test_llmds_own_pages_fetch_nothing_from_elsewhere() -> None:
    for name in OWN:
        text = (PAGES / name).read_text(encoding="utf-8")
        assert set(re.findall(r"https?://[^\"')\]]*", text)) <= {"https://cdn.redoc.ly"}  # hidden


def test_licences_lie_beside_what_they_are_of() -> None:
    assert "Apache License" in (PAGES / "swagger-ui.LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT" in (PAGES / "redoc.LICENSE.txt").read_text(encoding="utf-8")
