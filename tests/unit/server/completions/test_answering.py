from __future__ import annotations

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from llmd.config.settings import ServerSettings
from llmd.protocol.callers import Caller
from llmd.server.completions import exchange, schema
from llmd.server.completions.answering import Manner, respond
from llmd.server.http.body import read_json
from llmd.server.http.keys import SERVICES, SETTINGS
from tests.unit.services.conftest import Bench

WRAPPED = Manner(
    error=lambda error: error.code.encode(),
    whole=lambda found: {"data": found},
    chunk=lambda found: {"piece": found},
)


@pytest.mark.parametrize("streams", [False, True])
async def test_answers_are_wrapped_as_the_dialect_has_it(bench: Bench, streams: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, schema.CompletionRequest)
        opening = exchange.text(bench.services, Caller(), asked)
        return await respond(request, opening, WRAPPED, streams=streams)

    application = web.Application()
    application[SERVICES], application[SETTINGS] = bench.services, ServerSettings()
    application.router.add_post("/", handler)
    async with TestClient(TestServer(application)) as client:
        response = await client.post("/", json={"prompt": "a b", "stream": streams})
        data = await response.read()
    assert response.headers["X-LLMD-Queue-Position"] == "0"
    if not streams:
        assert json.loads(data)["data"]["choices"][0]["text"] == "ab"
        return
    events = [event.removeprefix(b"data: ") for event in data.split(b"\n\n") if event]
    assert events[-1] == b"[DONE]"
    assert all("piece" in json.loads(event) for event in events[:-1])
