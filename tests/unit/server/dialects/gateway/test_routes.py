from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gguf import write
from tests.fakes.sites import Site
from tests.unit.server.conftest import Client, Connect
from tests.unit.services.conftest import Bench

GATEWAY = "/gateway"
USER = [{"role": "user", "content": "a b"}]


async def get(client: Client, path: str, status: int = 200) -> Any:
    response = await client.get(GATEWAY + path)
    body = await response.json()
    assert response.status == status, body
    assert body["code"] == status
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body["data"]


async def post(client: Client, path: str, body: object, status: int = 200) -> Any:
    response = await client.post(GATEWAY + path, json=body)
    answer = await response.json()
    assert response.status == status, answer
    assert answer["code"] == status
    assert answer["request_id"] == response.headers["X-Request-Id"]
    return answer["data"]


@pytest.fixture
def site(bench: Bench, tmp_path: Path) -> Site:
    made = Site(bench.store, tmp_path)
    made.offers = {"qwen3-8b:Q8_0": 7}
    bench.services.variants._pulls = made  # type: ignore[assignment]
    return made


async def test_models_are_listed(connect: Connect) -> None:
    client = await connect(tcp=True)
    assert [model["id"] for model in (await get(client, "/models"))["models"]] == ["llmd-tiny"]
    wide = (await get(client, "/models?available=true"))["models"]
    assert "qwen3-8b" in {model["id"] for model in wide}
    await get(client, "/models?available=perhaps", 400)


async def test_a_model_is_described(connect: Connect) -> None:
    client = await connect(tcp=True)
    for name in ("llmd-tiny", "default"):
        found = await get(client, f"/models/{name}")
        assert found["id"] == "llmd-tiny"
        assert found["parameters"]["max_tokens"] > 0


@pytest.mark.parametrize(
    "name",
    ["nothing", "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "a%00b", "%E6%A8%A1", "' OR 1=1 --"],
)
async def test_an_unknown_model_is_404_everywhere(connect: Connect, name: str) -> None:
    client = await connect(tcp=True)
    await get(client, f"/models/{name}", 404)
    await post(client, f"/models/{name}/chat/completions", {"messages": USER}, 404)
    await post(client, f"/models/{name}/completions", {"prompt": "a"}, 404)
    await post(client, f"/models/{name}/embeddings", {"input": "a"}, 404)
    response = await client.delete(f"{GATEWAY}/models/local/{name}")
    assert response.status == 404
    assert (await response.json())["data"] is None


@pytest.mark.parametrize("path", ["acme/tiny:Q8_0", "acme%2Ftiny:Q8_0", "acme%2Ftiny%3AQ8_0"])
async def test_names_may_hold_slashes(
    bench: Bench, connect: Connect, tmp_path: Path, path: str
) -> None:
    bench.store.register(write(tmp_path / "m.gguf", {}), "acme/tiny:Q8_0")
    client = await connect(tcp=True)
    assert (await get(client, f"/models/{path}"))["id"] == "acme/tiny:Q8_0"
    answer = await post(client, f"/models/{path}/completions", {"prompt": "a b"})
    assert answer["model"] == "acme/tiny:Q8_0"
    response = await client.delete(f"{GATEWAY}/models/local/{path}")
    assert (await response.json())["data"]["model_id"] == "acme/tiny:Q8_0"


async def test_a_text_is_continued_in_several_ways(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = {"prompt": "a b", "max_tokens": 100, "n": 2, "stop": ["\n", "user:"], "stream": False}
    answer = await post(client, "/models/llmd-tiny/completions", body)
    assert answer["object"] == "text_completion"
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert [choice["text"] for choice in answer["choices"]] == ["ab", "ab"]
    assert answer["usage"]["total_tokens"] == 2 * 2 + answer["usage"]["prompt_tokens"]


async def test_a_conversation_is_answered(connect: Connect) -> None:
    client = await connect(tcp=True)
    answer = await post(client, "/models/llmd-tiny/chat/completions", {"messages": USER})
    assert answer["choices"][0]["message"]["content"] == "ab"
    same = {"messages": USER, "model": "llmd-tiny"}
    await post(client, "/models/llmd-tiny/chat/completions", same)
    await post(client, "/models/llmd-tiny/chat/completions", {**same, "model": "other"}, 400)


@pytest.mark.parametrize(
    ("path", "body"), [("chat/completions", {"messages": USER}), ("completions", {"prompt": "a b"})]
)
async def test_streams_are_plain_chunks_with_an_end(
    connect: Connect, path: str, body: dict[str, object]
) -> None:
    client = await connect(tcp=True)
    response = await client.post(
        f"{GATEWAY}/models/llmd-tiny/{path}", json={**body, "stream": True}
    )
    assert response.content_type == "text/event-stream"
    lines = [line for line in (await response.text()).split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    first = json.loads(lines[0].removeprefix("data: "))
    assert first["choices"]
    assert "code" not in first


async def test_a_stream_that_fails_ends_with_the_envelope(bench: Bench, connect: Connect) -> None:
    client = await connect(tcp=True)
    await post(client, "/models/llmd-tiny/completions", {"prompt": "a"})
    worker = bench.starts.workers[0]
    worker.hold()
    headers = {"X-Request-Id": "r-1"}
    sending = client.post(
        f"{GATEWAY}/models/llmd-tiny/completions",
        json={"prompt": "a b", "stream": True},
        headers=headers,
    )
    reading = asyncio.ensure_future(sending)
    async with asyncio.timeout(20):
        while not worker.running:
            await asyncio.sleep(0.01)
        response = await reading
        # the one that tries again is lost as well, and the third one too
        bench.starts.poison = "a b"
        worker.die()
        text = await response.text()
    last = json.loads(text.strip().split("\n\n")[-1].removeprefix("data: "))
    assert last["code"] >= 500
    assert (last["data"], last["request_id"]) == (None, "r-1")


async def test_vectors_are_made(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = {"input": ["这是第一段文本", "这是第二段文本"], "encoding_format": "float"}
    answer = await post(client, "/models/llmd-tiny/embeddings", body)
    assert answer["object"] == "list"
    assert [one["index"] for one in answer["data"]] == [0, 1]
    stats = (await get(client, "/models/llmd-tiny"))["stats"]
    assert stats["requests"] == 1


async def test_a_deployment_is_begun_and_followed(connect: Connect, site: Site) -> None:
    client = await connect(tcp=True)
    order = {
        "model_type": "qwen3",
        "model_size": "8b",
        "quantization": "int8",
        "target_nodes": ["local"],
        "deployment_config": {"max_batch_size": 4, "use_kv_cache": True},
    }
    begun = await post(client, "/models/local/deploy", order)
    assert begun["model_id"] == "qwen3-8b:Q8_0"
    async with asyncio.timeout(20):
        while (found := await get(client, begun["progress_url"]))["status"] == "in_progress":
            await asyncio.sleep(0.01)
    assert found["status"] == "completed"
    [loaded] = (await get(client, "/models/local"))["models"]
    assert loaded["id"] == "qwen3-8b:Q8_0"
    assert loaded["deployment"]["node_id"] == "here"
    listed = await get(client, "/models/local/deployments?limit=5")
    assert [one["deployment_id"] for one in listed["deployments"]] == [begun["deployment_id"]]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"model_type": "deepseek-v3", "model_size": "7b"}, 404),
        ({"model_type": "qwen3-8b", "quantization": "int99"}, 400),
        ({"model_type": "qwen3-8b", "target_nodes": ["worker-03"]}, 400),
        ({"model_type": "qwen3-8b", "deployment_config": {"use_kv_cache": False}}, 400),
        ({"model_type": "qwen3-8b", "deployment_config": {"tensor_parallel_size": 2}}, 400),
        ({"model_type": "qwen3-8b", "deployment_config": {"unknown": 1}}, 400),
        ({"model_type": "qwen3-8b", "more": 1}, 400),
        ({"model_type": "/etc/passwd"}, 400),
        ({}, 400),
    ],
)
async def test_what_cannot_be_deployed_is_refused(
    connect: Connect, wrong: dict[str, object], status: int
) -> None:
    client = await connect(tcp=True)
    assert await post(client, "/models/local/deploy", wrong, status) is None


@pytest.mark.parametrize("identity", ["deploy-1", "..%2F..", "%00", "x" * 3000])
async def test_an_unknown_deployment_is_404(connect: Connect, identity: str) -> None:
    await get(await connect(tcp=True), f"/models/local/deployments/{identity}", 404)


@pytest.mark.parametrize("name", ["llmd-tiny", "default"])
async def test_a_loaded_model_is_unloaded_and_one_that_is_not_is_404(
    connect: Connect, name: str
) -> None:
    client = await connect(tcp=True)
    await post(client, f"/models/{name}/completions", {"prompt": "a"})
    response = await client.delete(f"{GATEWAY}/models/local/{name}?force=true")
    body = await response.json()
    assert body["data"] == {"model_id": "llmd-tiny", "status": "unloading", "nodes": ["here"]}
    async with asyncio.timeout(20):
        while (await get(client, "/models/local"))["models"]:
            await asyncio.sleep(0.01)
    response = await client.delete(f"{GATEWAY}/models/local/llmd-tiny")
    assert response.status == 404


async def test_paths_that_are_none_are_answered_in_the_envelope(connect: Connect) -> None:
    client = await connect(tcp=True)
    await get(client, "/nothing", 404)
    response = await client.put(f"{GATEWAY}/models")
    assert (response.status, (await response.json())["code"]) == (405, 405)
