from __future__ import annotations

import json
from pathlib import Path

import pytest

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
