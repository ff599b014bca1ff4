"""Every request of gateway.md that is not gRPC, replayed against a real daemon; what it deploys comes
from a hub on loopback, and once the daemon is killed in the middle of it.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fakes.hub import Hub, Repo, serving_in_thread
from tests.integration.conftest import Daemon, wait_for

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LENGTH = re.compile(r"(\d+h)?(\d+m)?(\d+s)?")
STAGES = [
    "preparation",
    "downloading_weights",
    "model_initialization",
    "model_loading",
    "service_registration",
]
HELLO = [
    {"role": "system", "content": "你是一个有用的AI助手。"},
    {"role": "user", "content": "你好，请介绍一下自己。"},  # noqa: RUF001  the document's words
]
DEPLOY = {
    "model_type": "deepseek-v3",
    "model_size": "7b",
    "quantization": "int8",
    "target_nodes": [socket.gethostname()],
    "deployment_config": {
        "max_batch_size": 8,
        "use_flash_attention": True,
        "use_kv_cache": True,
        "tensor_parallel_size": 1,
        "cpu_offload": False,
    },
}
CATALOG = """
[[model]]
alias = "deepseek-v3-7b"
source = "acme/deepseek-v3-7b-GGUF"
quantization = "Q8_0"
quantizations = {{ Q8_0 = {size} }}
context = 2048
description = "DeepSeek V3 7B"
"""


@pytest.fixture(scope="module")
def hub(tiny_model: Path) -> Iterator[Hub]:
    files = {"deepseek-v3-7b-Q8_0.gguf": tiny_model.read_bytes()}
    with serving_in_thread(Hub(repos={"acme/deepseek-v3-7b-GGUF": Repo(files)})) as hub:
        yield hub


def started(home: Path, hub: Hub, tiny_model: Path) -> Daemon:
    """A daemon whose catalogue has what the document deploys."""
    (home / "config").mkdir(parents=True)
    catalog = CATALOG.format(size=tiny_model.stat().st_size)
    (home / "config" / "catalog.toml").write_text(catalog)
    return Daemon(
        home, HF_ENDPOINT=hub.url, HF_HOME=str(home / "hf"), HF_TOKEN="", NO_PROXY="127.0.0.1"
    ).start()


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, hub: Hub, tiny_model: Path
) -> Iterator[Daemon]:
    """A daemon on which the built-in model has the names of the document too."""
    daemon = started(tmp_path_factory.mktemp("home"), hub, tiny_model)
    for name in ("gpt-4", "claude-3", "deepseek-v3-14b", "qwen3-7b"):
        daemon.call("POST", "/control/models/copy", {"source": "llmd-tiny", "target": name})
    yield daemon
    assert daemon.stop() == 0


def call(
    daemon: Daemon, method: str, path: str, body: object = None, status: int = 200
) -> dict[str, Any]:
    """One call as the document has it; the data out of the envelope."""
    connection = http.client.HTTPConnection(urlsplit(daemon.address).netloc, timeout=60)
    headers = {"Authorization": "Bearer token", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body)
    try:
        connection.request(method, f"/gateway{path}", data, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    assert response.status == status, answer
    assert answer["code"] == status
    assert answer["request_id"] == response.headers["X-Request-Id"] != ""
    assert "X-RateLimit-Remaining" in response.headers
    if status == 200:
        assert answer["message"] == "success"
        assert isinstance(answer["data"], dict)
    else:
        assert answer["message"]
        assert answer["data"] is None
    return answer["data"] or answer


def deployment(daemon: Daemon, identity: str) -> dict[str, Any]:
    found = call(daemon, "GET", f"/models/local/deployments/{identity}")
    assert found["deployment_id"] == identity
    assert [stage["name"] for stage in found["stages"]] == STAGES
    assert found["current_stage"] in STAGES
    assert 0 <= found["progress"] <= 100
    for line in found["logs"]:
        assert MOMENT.fullmatch(line["timestamp"])
        assert line["level"] in {"info", "warning", "error"}
        assert line["message"]
    return found


def ended(daemon: Daemon, identity: str) -> dict[str, Any]:
    wait_for(lambda: deployment(daemon, identity)["status"] != "in_progress", 60)
    return deployment(daemon, identity)


def test_models_are_listed_with_what_they_can_do(daemon: Daemon) -> None:
    models = {model["id"]: model for model in call(daemon, "GET", "/models")["models"]}
    assert {"gpt-4", "claude-3", "deepseek-v3-14b", "qwen3-7b", "llmd-tiny"} <= set(models)
    for model in models.values():
        assert model["name"]
        assert model["description"]
        assert isinstance(model["version"], str)
        assert {"chat", "completion"} <= set(model["capabilities"])
        assert model["provider"] == "local"
        assert model["status"] == "active"
        assert model["deployment"]["type"] == "local"
        assert model["deployment"]["quantization"] == "int8"
        assert "hardware" in model["deployment"]


def test_a_model_is_described_with_limits_prices_and_figures(daemon: Daemon) -> None:
    call(daemon, "POST", "/models/gpt-4/chat/completions", {"messages": HELLO, "max_tokens": 8})
    model = call(daemon, "GET", "/models/gpt-4")
    assert {"id", "name", "description", "version", "capabilities", "provider"} <= set(model)
    assert model["status"] == "active"
    assert model["parameters"]["max_tokens"] == 2048
    for knob in ("temperature", "top_p"):
        span = model["parameters"][knob]
        assert span["min"] == 0.0
        assert span["min"] <= span["default"] <= span["max"]
    assert model["pricing"] == {
        "input_per_1k_tokens": 0.0,
        "output_per_1k_tokens": 0.0,
        "currency": "USD",
    }
    assert model["stats"]["average_latency_ms"] > 0
    assert model["stats"]["availability"] == 1.0


def test_a_text_is_continued(daemon: Daemon) -> None:
    body = {
        "prompt": "string",
        "max_tokens": 20,
        "temperature": 1.0,
        "top_p": 1.0,
        "n": 1,
        "stream": False,
        "stop": ["\n", "user:"],
    }
    data = call(daemon, "POST", "/models/gpt-4/completions", body)
    assert data["id"].startswith("cmpl-")
    assert data["object"] == "text_completion"
    assert abs(data["created"] - time.time()) < 60
    assert data["model"] == "gpt-4"
    [choice] = data["choices"]
    assert isinstance(choice["text"], str)
    assert "\n" not in choice["text"]
    assert choice["index"] == 0
    assert choice["finish_reason"] in {"stop", "length"}
    usage = data["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    several = call(daemon, "POST", "/models/gpt-4/completions", {**body, "n": 3})
    assert [choice["index"] for choice in several["choices"]] == [0, 1, 2]


def test_a_conversation_is_answered(daemon: Daemon) -> None:
    body = {"messages": HELLO, "max_tokens": 50, "temperature": 0.7, "stream": False}
    data = call(daemon, "POST", "/models/gpt-4/chat/completions", body)
    assert data["id"].startswith("chatcmpl-")
    assert data["object"] == "chat.completion"
    assert data["model"] == "gpt-4"
    [choice] = data["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] in {"stop", "length"}
    assert choice["index"] == 0
    assert data["usage"]["total_tokens"] > data["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("path", "body"), [("chat/completions", {"messages": HELLO}), ("completions", {"prompt": "春"})]
)
def test_answers_stream_as_chunks_of_openai(
    daemon: Daemon, path: str, body: dict[str, object]
) -> None:
    connection = http.client.HTTPConnection(urlsplit(daemon.address).netloc, timeout=60)
    order = json.dumps({**body, "max_tokens": 12, "stream": True})
    connection.request("POST", f"/gateway/models/gpt-4/{path}", order)
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers.get_content_type() == "text/event-stream"
    events = response.read().decode().strip().split("\n\n")
    connection.close()
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert {chunk["model"] for chunk in chunks} == {"gpt-4"}
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    assert reasons[-1] in {"stop", "length"}
    assert set(reasons[:-1]) <= {None}


def test_texts_become_vectors(daemon: Daemon) -> None:
    body = {"input": ["这是第一段文本", "这是第二段文本"], "encoding_format": "float"}
    data = call(daemon, "POST", "/models/gpt-4/embeddings", body)
    assert data["object"] == "list"
    assert data["model"] == "gpt-4"
    for index, one in enumerate(data["data"]):
        assert (one["object"], one["index"]) == ("embedding", index)
        assert all(isinstance(value, float) for value in one["embedding"])
    assert data["data"][0]["embedding"] != data["data"][1]["embedding"]
    assert data["usage"]["total_tokens"] == data["usage"]["prompt_tokens"] > 0


def test_local_models_tell_where_they_are_and_how_they_perform(daemon: Daemon) -> None:
    call(daemon, "POST", "/models/gpt-4/chat/completions", {"messages": HELLO, "max_tokens": 16})
    models = {model["id"]: model for model in call(daemon, "GET", "/models/local")["models"]}
    model = models["gpt-4"]
    assert {"id", "name", "version", "status"} <= set(model)
    place = model["deployment"]
    assert place["node_id"] == socket.gethostname()
    assert place["hardware"] not in {"", "CPU"}
    assert re.fullmatch(r"[\d.]+(KB|MB|GB)", place["memory_usage"])
    assert place["quantization"] == "int8"
    assert MOMENT.fullmatch(place["loaded_at"])
    assert place["health"] == "healthy"
    assert model["performance"]["tokens_per_second"] > 0
    assert model["performance"]["avg_latency_ms"] > 0
    assert model["performance"]["max_batch_size"] >= 1


def test_a_model_is_deployed_and_followed_and_unloaded(daemon: Daemon, hub: Hub) -> None:
    data = call(daemon, "POST", "/models/local/deploy", DEPLOY)
    assert data["deployment_id"].startswith("deploy-")
    assert data["status"] == "in_progress"
    assert data["model_id"] == "deepseek-v3-7b"
    assert LENGTH.fullmatch(data["estimated_time"])
    assert data["progress_url"] == f"/models/local/deployments/{data['deployment_id']}"
    done = ended(daemon, data["deployment_id"])
    assert done["status"] == "completed", done
    assert done["progress"] == 100
    assert done["model_id"] == "deepseek-v3-7b"
    assert [stage["status"] for stage in done["stages"]] == ["completed"] * 5
    assert all(LENGTH.fullmatch(stage["duration"]) for stage in done["stages"])
    loaded = daemon.loaded("deepseek-v3-7b")
    assert loaded is not None
    assert loaded["parallel"] == 8
    assert loaded["keep_alive"] is None
    answer = call(
        daemon,
        "POST",
        "/models/deepseek-v3-7b/chat/completions",
        {"messages": HELLO, "max_tokens": 5},
    )
    assert answer["model"] == "deepseek-v3-7b"
    leaving = call(daemon, "DELETE", "/models/local/deepseek-v3-7b")
    assert leaving == {
        "model_id": "deepseek-v3-7b",
        "status": "unloading",
        "nodes": [socket.gethostname()],
    }
    wait_for(lambda: daemon.loaded("deepseek-v3-7b") is None)
    call(daemon, "DELETE", "/models/local/deepseek-v3-7b", status=404)
    # another quantisation is made of what is here now, nothing is fetched for it
    fetched = len(hub.served)
    again = call(daemon, "POST", "/models/local/deploy", {**DEPLOY, "quantization": "int4"})
    made = ended(daemon, again["deployment_id"])
    assert made["status"] == "completed", made
    assert made["model_id"] == "deepseek-v3-7b:Q4_K_M"
    assert len(hub.served) == fetched
    call(daemon, "DELETE", "/models/local/deepseek-v3-7b:Q4_K_M?force=true")


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"model_size": "70b"}, 404, "deepseek-v3-7b"),
        ({"target_nodes": ["worker-03"]}, 400, "worker-03"),
        ({"quantization": "int99"}, 400, "quantisation"),
        ({"deployment_config": {"tensor_parallel_size": 64}}, 400, "GPU"),
        ({"deployment_config": {"use_kv_cache": False}}, 400, "KV cache"),
        ({"deployment_config": {"warp_drive": True}}, 400, "warp_drive"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(
    daemon: Daemon, changes: dict[str, object], status: int, word: str
) -> None:
    answer = call(daemon, "POST", "/models/local/deploy", {**DEPLOY, **changes}, status)
    assert word in answer["message"]


@pytest.mark.parametrize("name", ["gpt-5", "..%2F..%2Fetc%2Fpasswd", "%00", "%E6%A8%A1%E5%9E%8B"])
def test_unknown_models_and_deployments_are_404(daemon: Daemon, name: str) -> None:
    for method, path, body in (
        ("GET", f"/models/{name}", None),
        ("POST", f"/models/{name}/chat/completions", {"messages": HELLO}),
        ("POST", f"/models/{name}/completions", {"prompt": "a"}),
        ("POST", f"/models/{name}/embeddings", {"input": "a"}),
        ("DELETE", f"/models/local/{name}", None),
        ("GET", f"/models/local/deployments/{name}", None),
    ):
        assert call(daemon, method, path, body, 404)["message"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_deployment_goes_on_after_the_daemon_was_killed_or_stopped(
    tmp_path: Path, hub: Hub, tiny_model: Path, number: signal.Signals
) -> None:
    daemon = started(tmp_path / "home", hub, tiny_model)
    size = tiny_model.stat().st_size
    hub.stall_after = size // 4
    try:
        begun = call(daemon, "POST", "/models/local/deploy", DEPLOY)
        identity = begun["deployment_id"]
        wait_for(lambda: deployment(daemon, identity)["stages"][1].get("progress", 0) > 0)
        assert call(daemon, "POST", "/models/local/deploy", DEPLOY)["deployment_id"] == identity
        assert daemon.process
        daemon.process.send_signal(number)
        # nobody has to wait for a download that the next daemon goes on with
        daemon.process.communicate(timeout=15)
        wait_for(lambda: not daemon.workers())
        served = len(hub.served)
        hub.stall_after = None
        daemon.start()
        done = ended(daemon, identity)
        assert done["status"] == "completed", done
        assert any("started again" in line["message"] for line in done["logs"])
        assert done["logs"][0]["message"].startswith("The deployment of deepseek-v3-7b begins")
        # what had come was not fetched again
        later = hub.served[served:]
        assert any(one.start > 0 for one in later)
        assert not any(one.start == 0 and one.sent == size for one in later)
        assert daemon.loaded("deepseek-v3-7b")
    finally:
        hub.stall_after = None
        daemon.stop()
