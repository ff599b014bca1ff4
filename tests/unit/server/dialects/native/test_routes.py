from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from llmd.config.values import Duration
from llmd.errors import LlmdError, LoadFailed, NoRoom, QueueFull, WorkerDied
from llmd.protocol.events import Queued
from llmd.protocol.requests import Lane
from llmd.services.defaults import Purpose
from tests.fakes.gguf import write
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench


async def test_health_says_whether_requests_are_taken(bench: Bench, connect: Connect) -> None:
    client = await connect()
    assert (await (await client.get("/health")).json())["status"] == "healthy"
    bench.gate.close()
    response = await client.get("/health")
    assert response.status == 503
    assert (await response.json())["status"] == "draining"


async def test_metrics_are_prometheus_text(connect: Connect) -> None:
    response = await (await connect()).get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE model_inference_seconds histogram" in await response.text()


@pytest.mark.parametrize("base", ["", "/api/v1"])
async def test_models_can_be_listed_loaded_and_unloaded(base: str, connect: Connect) -> None:
    client = await connect(tcp=True)
    body = await (await client.get(f"{base}/models")).json()
    assert [model["name"] for model in body["models"]] == ["llmd-tiny"]
    assert body["models"][0]["loaded"] is False
    assert body["data"][0]["id"] == "llmd-tiny"
    response = await client.post(f"{base}/models/llmd-tiny/load", json={"prefer_gpu": False})
    assert response.status == 200
    answer = await response.json()
    assert answer["status"] == "loaded"
    assert answer["model"]["loaded"] is True
    assert (await (await client.get(f"{base}/models")).json())["models"][0]["loaded"] is True
    answer = await (await client.post(f"{base}/models/llmd-tiny/unload")).json()
    assert (answer["status"], answer["model"]["loaded"]) == ("unloaded", False)
    response = await client.post(f"{base}/models/llmd-tiny/unload")
    assert response.status == 404
    assert (await response.json())["error"]["code"] == "MODEL_NOT_LOADED"


async def test_the_default_model_goes_by_that_name_and_is_marked_as_such(connect: Connect) -> None:
    client = await connect(tcp=True)
    for step in ("load", "unload"):
        answer = await (await client.post(f"/models/default/{step}")).json()
        assert (answer["model"]["name"], answer["model"]["default"]) == ("llmd-tiny", True)


async def test_a_model_that_is_not_the_default_is_not_marked_as_such(
    connect: Connect, bench: Bench
) -> None:
    bench.store.copy("llmd-tiny", "other")
    await bench.services.defaults.change(Purpose.CHAT, "llmd-tiny")
    client = await connect(tcp=True)
    for step in ("load", "unload"):
        answer = await (await client.post(f"/models/other/{step}")).json()
        assert (answer["model"]["name"], answer["model"]["default"]) == ("other", False)


async def test_a_quantisation_that_is_not_here_is_made(
    bench: Bench, connect: Connect, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf", {"general.file_type": 1}), "org:x/模型:F16")
    client = await connect(tcp=True)
    order = {"quantization": "q4_0", "prefer_gpu": False}
    response = await client.post("/models/org:x%2F模型/load", json=order)
    assert response.status == 200, await response.text()
    assert (await response.json())["model"]["name"] == "org:x/模型:Q4_0"
    assert bench.store.get("org:x/模型:Q4_0").quantization == "Q4_0"


async def test_progress_comes_as_lines_where_that_is_wished(
    bench: Bench, connect: Connect, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf", {"general.file_type": 1}), "m:F16")
    client = await connect(tcp=True)
    order = {"quantization": "q4_0", "stream": True}
    response = await client.post("/models/m/load", json=order)
    assert response.content_type == "application/x-ndjson"
    lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert lines[0]["status"] == "measuring"
    assert lines[-2]["status"] == "ready"
    assert lines[-1]["status"] == "loaded"
    assert lines[-1]["model"]["name"] == "m:Q4_0"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/models/nobody/load", {}, 404, "MODEL_NOT_FOUND"),
        ("/models/llmd-tiny/load", {"quantization": "huge"}, 400, "INVALID_REQUEST"),
        ("/models/llmd-tiny/load", {"quantization": 4}, 400, "INVALID_REQUEST"),
        ("/models/llmd-tiny/load", {"n_gpu_layers": -2}, 400, "INVALID_REQUEST"),
        ("/models/llmd-tiny/load", {"quantisation": "q4_0"}, 400, "INVALID_REQUEST"),
        ("/models/llmd-tiny/load", {"quantization": "f32", "stream": True}, 404, "MODEL_NOT_FOUND"),
        ("/models/nobody/unload", {}, 404, "MODEL_NOT_FOUND"),
    ],
)
async def test_refusals_have_the_documented_shape(
    path: str, body: dict[str, object], status: int, code: str, connect: Connect
) -> None:
    response = await (await connect(tcp=True)).post(path, json=body)
    assert response.status == status
    error = (await response.json())["error"]
    assert error["code"] == code
    assert set(error) == {"code", "message", "details"}


@pytest.mark.parametrize("base", ["", "/api/v1"])
async def test_a_prompt_is_answered(base: str, connect: Connect) -> None:
    client = await connect(tcp=True)
    response = await client.post(f"{base}/generate", json={"prompt": "你 好", "model": "default"})
    assert response.status == 200
    assert response.headers["X-LLMD-Queue-Position"] == "0"
    body = await response.json()
    assert body["text"] == "你好"
    assert body["usage"]["total_tokens"] == 4
    assert 0 <= body["latency"] < 60
    assert (body["model"], body["finish_reason"]) == ("llmd-tiny", "stop")


@pytest.mark.parametrize("raw", [False, True])
async def test_minus_one_asks_for_no_limit_and_any_seed(raw: bool, connect: Connect) -> None:
    client = await connect(tcp=True)
    body = {"prompt": "a b", "max_tokens": -1, "top_k": -1, "seed": -1, "raw": raw}
    response = await client.post("/generate", json=body)
    assert (await response.json())["text"] == "ab"


def _tokens(data: bytes) -> list[dict[str, Any]]:
    assert data.endswith(b"\n\n")
    lines = data.decode().removesuffix("\n\n").split("\n\n")
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line[6:]) for line in lines]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/generate", {"stream": True}),
        ("/generate/stream", {}),
        ("/generate/stream", {"stream": False}),
        ("/generate/stream", {"raw": True}),
    ],
)
async def test_an_answer_is_streamed_without_anything_beside_its_events(
    path: str, fields: dict[str, Any], connect: Connect
) -> None:
    client = await connect(tcp=True)
    response = await client.post(path, json={"prompt": "人 工 智 能", **fields})
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    events = _tokens(await response.read())
    assert "".join(event["token"] for event in events) == "人工智能"
    assert [event["finished"] for event in events[:-1]] == [False] * (len(events) - 1)
    assert events[-1]["finished"] is True
    assert events[-1]["finish_reason"] == "stop"
    assert events[-1]["usage"]["completion_tokens"] == 4


async def test_a_silent_stream_carries_events_that_say_nothing(
    bench: Bench, connect: Connect
) -> None:
    bench.starts.held = True
    client = await connect()
    response = await client.post("/generate/stream", json={"prompt": "a"})
    assert await response.content.readline() == b'data: {"token":"","finished":false}\n'
    bench.starts.workers[0].go.set()
    assert _tokens(b"data: {}\n" + await response.content.read())[-1]["finished"] is True


async def test_a_stream_that_fails_half_way_ends_with_its_error(
    bench: Bench, connect: Connect
) -> None:
    client = await connect(ping_interval=Duration(-1))
    await client.post("/generate", json={"prompt": "a"})
    worker = bench.starts.workers[0]
    worker.news = [Queued(3, 1.0)]
    worker.hold()
    response = await client.post("/generate/stream", json={"prompt": "a b"})
    await bench.pool.unload("llmd-tiny", force=True)
    events = _tokens(await response.content.read())
    assert (events[-1]["token"], events[-1]["finished"]) == ("", True)
    assert events[-1]["error"]["code"] == "WORKER_DIED"


async def test_a_client_that_leaves_a_stream_frees_its_place(
    bench: Bench, connect: Connect
) -> None:
    bench.starts.held = True
    client = await connect(tcp=True)
    response = await client.post("/generate/stream", json={"prompt": "a"})
    assert bench.gate.inside == 1
    response.close()
    for _ in range(500):
        if not bench.gate.inside:
            break
        await asyncio.sleep(0.01)
    assert (bench.gate.inside, bench.starts.workers[0].running) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"prompt": ""}, 400, "INVALID_REQUEST"),
        ({"prompt": None}, 400, "INVALID_REQUEST"),
        ({"promt": "a"}, 400, "INVALID_REQUEST"),
        ({"max_tokens": 0}, 400, "INVALID_REQUEST"),
        ({"n": 2}, 400, "INVALID_REQUEST"),
        ({"temperature": "hot"}, 400, "INVALID_REQUEST"),
        ({"model": "../../etc/passwd"}, 404, "MODEL_NOT_FOUND"),
    ],
)
@pytest.mark.parametrize("path", ["/generate", "/generate/stream"])
async def test_prompts_that_cannot_be_answered_are_refused(
    path: str, fields: dict[str, Any], status: int, code: str, connect: Connect
) -> None:
    client = await connect(tcp=True)
    response = await client.post(path, json={"prompt": "a", **fields})
    assert response.status == status
    assert (await response.json())["error"]["code"] == code


@pytest.mark.parametrize("base", ["", "/api/v1"])
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (QueueFull("full", retry_after=3), 429, "QUEUE_FULL"),
        (LoadFailed("broken"), 500, "LOAD_FAILED"),
        (WorkerDied("died"), 503, "WORKER_DIED"),
        (NoRoom("full"), 507, "NO_ROOM"),
    ],
)
async def test_what_fails_before_the_first_token_has_its_status(
    bench: Bench, connect: Connect, base: str, failure: LlmdError, status: int, code: str
) -> None:
    client = await connect(tcp=True)
    for path in ("/generate", "/generate/stream", "/batch/generate"):
        bench.starts.fail = [failure]
        asked: dict[str, Any] = {"prompt": "a"}
        body = {"requests": [asked]} if "batch" in path else asked
        response = await client.post(base + path, json=body)
        found = await response.json()
        if "batch" in path and status not in {429, 503}:
            assert response.status == 200
            found = found["results"][0]
        else:
            assert response.status == status
            assert ("detail" in found) == bool(base)
            assert response.headers.get("Retry-After") == ("3" if status == 429 else None)
        assert found["error"]["code"] == code


@pytest.mark.parametrize("path", ["/generate", "/api/v1/generate/stream", "/batch/generate"])
async def test_without_a_default_model_there_is_no_service(
    bench: Bench, connect: Connect, path: str
) -> None:
    client = await connect(tcp=True)
    bench.services.defaults._names[Purpose.CHAT] = "gone"
    asked: dict[str, Any] = {"prompt": "a"}
    body = {"requests": [asked, asked]} if "batch" in path else asked
    response = await client.post(path, json=body)
    assert response.status == 503
    assert (await response.json())["error"]["code"] == "NO_MODEL"


async def test_errors_of_the_longer_path_carry_detail_too(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = await (await client.post("/api/v1/generate", json={"prompt": "a", "model": "x"})).json()
    assert body["detail"].startswith(body["error"]["message"])
    body = await (await client.get("/api/v1/nowhere")).json()
    assert set(body) == {"detail", "error"}
    assert set(await (await client.get("/nowhere")).json()) == {"error"}


async def test_a_batch_is_answered_in_order_and_a_bad_one_spoils_none(connect: Connect) -> None:
    client = await connect(tcp=True)
    requests = [
        {"prompt": "问题 1", "max_tokens": 100},
        {"prompt": "a", "model": "nobody"},
        {"prompt": "a", "temperature": -1},
        7,
        {"prompt": "a", "stream": True},
        {"prompt": "问题 2", "max_tokens": 150},
    ]
    response = await client.post("/batch/generate", json={"requests": requests})
    assert response.status == 200
    results = (await response.json())["results"]
    assert [result.get("text") for result in results] == ["问题1", None, None, None, None, "问题2"]
    assert [result["error"]["code"] for result in results[1:5]] == [
        "MODEL_NOT_FOUND",
        *["INVALID_REQUEST"] * 3,
    ]
    assert set(results[1]) == {"error"}
    assert results[5]["usage"]["prompt_tokens"] == 2


async def test_a_request_that_is_not_utf_8_spoils_no_other_of_its_batch(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = b'{"requests": [{"prompt": "caf\xe9"}, {"prompt": "a b"}]}'
    response = await client.post("/batch/generate", data=body)
    assert response.status == 200
    first, second = (await response.json())["results"]
    assert first["error"]["code"] == "INVALID_REQUEST"
    assert second["text"] == "ab"


async def test_a_large_batch_runs_side_by_side(bench: Bench, connect: Connect) -> None:
    bench.starts.held = True
    client = await connect(tcp=True)
    asked = asyncio.ensure_future(
        client.post("/batch/generate", json={"requests": [{"prompt": f"p{i}"} for i in range(128)]})
    )
    while not bench.starts.workers or bench.starts.workers[0].running < 64:
        await asyncio.sleep(0.005)
    listed = bench.services.requests.list().live
    assert len(listed) == 64
    assert {one.lane for one in listed} == {Lane.BATCH}
    bench.starts.workers[0].go.set()
    results = (await (await asked).json())["results"]
    assert [result["text"] for result in results] == [f"p{i}" for i in range(128)]


@pytest.mark.parametrize("count", [0, 129])
async def test_the_size_of_a_batch_is_bounded(count: int, connect: Connect) -> None:
    client = await connect(tcp=True)
    response = await client.post("/batch/generate", json={"requests": [{"prompt": "a"}] * count})
    assert response.status == 400


async def test_a_batch_of_which_nothing_can_run_now_fails_as_a_whole(
    bench: Bench, connect: Connect
) -> None:
    client = await connect(tcp=True)
    bench.gate.close()
    response = await client.post("/batch/generate", json={"requests": [{"prompt": "a"}] * 2})
    assert response.status == 503
    assert response.headers["Retry-After"]
    assert (await response.json())["error"]["code"] == "DRAINING"


async def test_a_client_that_leaves_a_batch_frees_all_its_places(
    bench: Bench, connect: Connect
) -> None:
    bench.starts.held = True
    client = await connect(tcp=True)
    asked = asyncio.ensure_future(
        client.post("/batch/generate", json={"requests": [{"prompt": "a"}] * 9})
    )
    while bench.gate.inside < 9:
        await asyncio.sleep(0.005)
    asked.cancel()
    while bench.gate.inside:
        await asyncio.sleep(0.005)
    assert bench.starts.workers[0].running == 0
