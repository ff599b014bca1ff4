from __future__ import annotations

import asyncio
import json

from llmd.config.values import Duration
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench

ASK = {"prompt": "a b", "stream": True}


async def test_a_silent_stream_carries_comments(bench: Bench, connect: Connect) -> None:
    bench.starts.held = True
    client = await connect()
    response = await client.post("/v1/completions", json=ASK)
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert await response.content.readline() == b": ping\n"
    bench.starts.workers[0].go.set()
    assert (await response.content.read()).endswith(b"data: [DONE]\n\n")


async def test_a_death_in_mid_stream_is_an_event_and_no_done(
    bench: Bench, connect: Connect
) -> None:
    client = await connect(ping_interval=Duration(-1))
    bench.starts.held = True
    response = await client.post("/v1/completions", json=ASK)
    worker = bench.starts.workers[0]
    worker.go.set()
    await response.content.readline()
    worker.hold()
    await bench.pool.unload("llmd-tiny")
    lines = (await response.content.read()).split(b"\n\n")
    if b"[DONE]" not in lines[-2]:  # it may have finished before the unload
        assert json.loads(lines[-2][6:])["error"]["code"] == "worker_died"


async def test_a_client_that_leaves_cancels_its_request(bench: Bench, connect: Connect) -> None:
    bench.starts.held = True
    client = await connect()
    response = await client.post("/v1/completions", json=ASK)
    assert bench.gate.inside == 1
    response.close()
    for _ in range(200):
        if not bench.gate.inside:
            break
        await asyncio.sleep(0.01)
    assert bench.gate.inside == 0
    assert bench.starts.workers[0].running == 0


async def test_streams_carry_the_id_of_their_request(connect: Connect) -> None:
    client = await connect()
    response = await client.post("/v1/completions", json=ASK, headers={"X-Request-Id": "abc"})
    assert response.headers["X-Request-Id"] == "abc"
    await response.read()
