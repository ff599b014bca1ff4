"""Routes over fake workers; the official client against a real model is in tests/integration."""

from __future__ import annotations

import json

from llmd.errors import QueueFull
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench


async def test_a_whole_completion(connect: Connect) -> None:
    response = await (await connect()).post("/v1/completions", json={"prompt": ["a b", "c"]})
    body = await response.json()
    assert [choice["text"] for choice in body["choices"]] == ["ab", "c"]
    assert body["usage"]["completion_tokens"] == 3


async def test_a_streamed_completion_of_several_prompts(connect: Connect) -> None:
    body = {"prompt": ["a b", "c"], "stream": True, "stream_options": {"include_usage": True}}
    response = await (await connect()).post("/v1/completions", json=body)
    events = [
        line[6:] for line in (await response.read()).split(b"\n\n") if line.startswith(b"data: ")
    ]
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    texts = ["", ""]
    for chunk in chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == ["ab", "c"]
    assert chunks[-1]["usage"]["total_tokens"] == 6


async def test_a_refused_stream_gets_its_status(bench: Bench, connect: Connect) -> None:
    bench.starts.fail = [QueueFull("full", retry_after=3)]
    response = await (await connect()).post("/v1/completions", json={"prompt": "a", "stream": True})
    assert response.status == 429
    assert response.headers["Retry-After"] == "3"


async def test_embeddings_and_models(connect: Connect) -> None:
    client = await connect()
    response = await client.post("/v1/embeddings", json={"model": "llmd-tiny", "input": ["a", "b"]})
    assert [item["index"] for item in (await response.json())["data"]] == [0, 1]
    listed = await (await client.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == ["llmd-tiny"]
    assert (await (await client.get("/v1/models/llmd-tiny")).json())["object"] == "model"
    assert (await client.get("/v1/models/other")).status == 404
