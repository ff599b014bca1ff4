from __future__ import annotations

import gzip

import pytest

from llmd.server.web.pages import Site
from tests.unit.server.conftest import Client, Connect


@pytest.fixture
async def client(connect: Connect) -> Client:
    return await connect(tcp=True)


async def test_files_are_kept_for_ever(client: Client, site: Site) -> None:
    answer = await client.get(site.files.url("js/base.js"))
    assert answer.status == 200
    assert answer.content_type == "text/javascript"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_browsers_that_unpack_get_less(client: Client, site: Site) -> None:
    url, file = site.files.url("vendor/htmx.min.js"), site.files.get("vendor/htmx.min.js")
    assert file
    client.session._auto_decompress = False
    packed = await client.get(url, headers={"Accept-Encoding": "gzip, br"})
    plain = await client.get(url, headers={"Accept-Encoding": "identity"})
    refused = await client.get(url, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(await packed.read()) == await plain.read() == file.body
    assert await refused.read() == file.body
    assert {one.headers["Vary"] for one in (packed, plain)} == {"Accept-Encoding"}


async def test_the_head_alone_can_be_asked_for(client: Client, site: Site) -> None:
    headers = {"Accept-Encoding": "identity"}
    answer = await client.head(site.files.url("css/base.css"), headers=headers)
    file = site.files.get("css/base.css")
    assert file
    assert answer.headers["Content-Length"] == str(len(file.body))
    assert await answer.read() == b""


@pytest.mark.parametrize(
    "path",
    [
        "/web/files/000000000000/js/base.js",
        "/web/files/{version}/js/none.js",
        "/web/files/{version}/..%2f..%2fpages.py",
        "/web/files/{version}/../../../pages.py",
        "/web/files/{version}/vendor/",
    ],
)
async def test_there_is_nothing_else(client: Client, site: Site, path: str) -> None:
    answer = await client.get(path.replace("{version}", site.files.version))
    assert answer.status == 404
    assert answer.content_type == "application/json"


async def test_everybody_gets_them_before_any_login(client: Client, site: Site) -> None:
    for name in site.files.names:
        assert (await client.head(site.files.url(name))).status == 200
