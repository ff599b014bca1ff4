from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from llmd.config.settings import ServerSettings
from llmd.errors import NotFound
from llmd.server.dialects.control.routes import answers
from llmd.server.http.keys import SETTINGS


def test_one_document_is_json() -> None:
    response = answers.json({"a": "文"})
    assert response.content_type == "application/json"
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"a": "文"}


async def test_what_fails_half_way_is_the_last_line() -> None:
    async def events() -> AsyncGenerator[int]:
        yield 1
        yield 2
        raise NotFound("gone")

    async def handler(request: web.Request) -> web.StreamResponse:
        return await answers.lines(request, events(), lambda event: b"%d\n" % event)

    application = web.Application()
    application[SETTINGS] = ServerSettings()
    application.router.add_get("/lines", handler)
    async with TestClient(TestServer(application)) as client:
        body = await (await client.get("/lines")).text()
    first, second, last = body.splitlines()
    assert (first, second) == ("1", "2")
    assert json.loads(last)["error"]["code"] == "not_found"
