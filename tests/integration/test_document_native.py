"""Every request of native.md, replayed against a real daemon; its examples run as they are written
there (tests/data/documents), but for the port.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from langchain_openai import ChatOpenAI, OpenAI

from llmd.models.catalog import builtin
from tests.fakes.replies import chunks, same_shape, send
from tests.integration.conftest import Daemon, MakeDaemon, wait_for

DOCUMENT = Path(__file__).parents[1] / "data" / "documents"
SUPPORTED = (
    "qwen-7b-chat",
    "qwen-14b-chat",
    "gemma-7b",
    "gemma-2b",
    "llama-2-7b-chat",
    "chatglm3-6b",
)
QUESTION = "请解释人工智能的概念"
ANSWER = "人工智能是研究智能的科学😀"
MESSAGES = [
    {"role": "system", "content": "你是一个有帮助的助手"},
    {"role": "user", "content": QUESTION},
]
BASES = ("", "/api/v1")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, f16_model: Path) -> Iterator[Daemon]:
    """A daemon on which the built-in model has the names of the document too."""
    daemon = Daemon(tmp_path_factory.mktemp("home")).start()
    for name in ("qwen-7b-chat", "llama-2-7b-chat"):
        body = {"source": "llmd-tiny", "target": name}
        assert daemon.call("POST", "/control/models/copy", body)["name"] == name
    assert daemon.call("POST", "/control/models/import", {"path": str(f16_model), "name": "m:F16"})
    yield daemon
    assert daemon.stop() == 0


USAGE = {"prompt_tokens": 15, "completion_tokens": 128, "total_tokens": 143}


@pytest.mark.parametrize("base", BASES)
def test_health_tells_of_model_memory_and_connections(daemon: Daemon, base: str) -> None:
    send(daemon.address, "POST", "/generate", {"prompt": "x", "max_tokens": 1})
    health = send(daemon.address, "GET", f"{base}/health").json()
    assert health["status"] == "healthy"
    assert health["model_loaded"] is True
    assert re.fullmatch(r"\d+(\.\d)?GB/\d+(\.\d)?GB", health["memory_usage"])
    assert isinstance(health["active_connections"], int)


@pytest.mark.parametrize("base", BASES)
def test_a_text_is_generated(daemon: Daemon, base: str) -> None:
    body = {
        "prompt": QUESTION,
        "model": "llama-2-7b-chat",
        "max_tokens": 512,
        "temperature": 0.7,
        "stream": False,
    }
    reply = send(daemon.address, "POST", f"{base}/generate", body)
    assert reply.status == 200
    same_shape({"text": "人工智能是...", "usage": USAGE, "latency": 2.3}, reply.json())
    usage = reply.json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert reply.json()["model"] == "llama-2-7b-chat"
    assert 0 < reply.json()["latency"] < 60


def test_the_chat_template_is_laid_around_a_prompt_unless_it_is_raw(daemon: Daemon) -> None:
    ask = {"prompt": "What is the capital of France?", "temperature": 0, "max_tokens": 20}
    answer = send(daemon.address, "POST", "/generate", ask).json()
    assert answer["text"] == "The capital of France is Paris."
    assert answer["finish_reason"] == "stop"
    raw = send(daemon.address, "POST", "/generate", {**ask, "raw": True}).json()
    assert raw["usage"]["prompt_tokens"] < answer["usage"]["prompt_tokens"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("path", "more"), [("/generate/stream", {}), ("/generate", {"stream": True})]
)
def test_a_stream_is_tokens_and_then_one_that_is_finished(
    daemon: Daemon, base: str, path: str, more: dict[str, Any]
) -> None:
    body = {
        "prompt": QUESTION,
        "model": "qwen-7b-chat",
        "max_tokens": 512,
        "temperature": 0.7,
        "choice": [ANSWER],  # the built-in model knows no Chinese, but writes what it must
        **more,
    }
    reply = send(daemon.address, "POST", base + path, body, Accept="text/event-stream")
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    events = reply.events()
    assert all(list(event)[:2] == ["token", "finished"] for event in events)
    assert [event["finished"] for event in events] == [False] * (len(events) - 1) + [True]
    assert "".join(event["token"] for event in events) == ANSWER
    same_shape({"usage": USAGE, "latency": 2.3, "finish_reason": "stop"}, events[-1])
    assert b"[DONE]" not in reply.data


def test_each_event_is_a_write_of_its_own_and_there_is_nothing_else(daemon: Daemon) -> None:
    body = {"prompt": "Hello", "ignore_eos": True, "max_tokens": 200}
    found = chunks(daemon.address, "/generate/stream", body)
    assert len(found) > 1
    for chunk in found:
        assert chunk.startswith(b"data: {")
        assert chunk.endswith(b"}\n\n")
        assert chunk.count(b"data: ") == 1


@pytest.mark.parametrize("base", BASES)
def test_models_are_listed_loaded_and_unloaded(daemon: Daemon, base: str) -> None:
    shown = {
        "name": "llama-2-7b-chat",
        "format": "gguf",
        "size": "4.2GB",
        "loaded": True,
        "memory_usage": "3.8GB",
    }
    listed = send(daemon.address, "GET", f"{base}/models").json()["models"]
    same_shape([shown], listed)
    assert all(re.fullmatch(r"[\d.]+[kMGT]?B", model["size"]) for model in listed)
    order = {"quantization": "q4_0", "prefer_gpu": False}
    loaded = send(daemon.address, "POST", f"{base}/models/m/load", order)
    assert loaded.status == 200, loaded.data
    assert loaded.json()["status"] == "loaded"
    model = loaded.json()["model"]
    assert (model["name"], model["loaded"], model["quantization"]) == ("m:Q4_0", True, "Q4_0")
    assert model["memory_usage"] != "0B"
    assert (
        send(daemon.address, "POST", f"{base}/models/m:Q4_0/unload").json()["status"] == "unloaded"
    )


def test_a_batch_is_answered_in_order_with_failures_in_their_place(daemon: Daemon) -> None:
    requests: list[Any] = [
        {"prompt": "问题1", "max_tokens": 100},
        {"prompt": "问题2", "max_tokens": 150},
    ]
    results = send(daemon.address, "POST", "/batch/generate", {"requests": requests}).json()[
        "results"
    ]
    same_shape([{"text": "回答1", "usage": USAGE}], results)
    assert len(results) == 2
    mixed = [
        *({"prompt": "x", "choice": [f"回答{index}"]} for index in range(20)),
        {"prompt": "x", "model": "nobody"},
        {"prompt": "词 " * 5000},
        {"prompt": "x", "choice": ["最后"]},
    ]
    reply = send(daemon.address, "POST", "/api/v1/batch/generate", {"requests": mixed})
    assert reply.status == 200
    results = reply.json()["results"]
    assert [result["text"] for result in results[:20]] == [f"回答{index}" for index in range(20)]
    codes = [result["error"]["code"] for result in results[20:22]]
    assert codes == ["MODEL_NOT_FOUND", "CONTEXT_LENGTH_EXCEEDED"]
    assert results[22]["text"] == "最后"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/generate", {"prompt": "x", "max_tokens": "many"}, 400, "INVALID_REQUEST"),
        ("POST", "/generate", b'{"prompt": ', 400, "INVALID_REQUEST"),
        ("POST", "/generate/stream", {}, 400, "INVALID_REQUEST"),
        ("POST", "/generate", {"prompt": "x", "model": "不存在"}, 404, "MODEL_NOT_FOUND"),
        ("POST", "/generate", {"prompt": "x", "model": "../../x"}, 404, "MODEL_NOT_FOUND"),
        ("POST", "/models/llmd-tiny/unload", {}, 404, "MODEL_NOT_LOADED"),
        ("GET", "/nothing", None, 404, "NOT_FOUND"),
        ("DELETE", "/generate", None, 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_errors_have_code_message_and_details(
    daemon: Daemon, base: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    if path.endswith("unload"):
        send(daemon.address, "POST", f"{base}{path}", {"force": True})
    reply = send(daemon.address, method, base + path, body)
    assert reply.status == status
    error = reply.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert isinstance(error["details"], str)
    assert ("detail" in reply.json()) == (base == "/api/v1")


@pytest.mark.parametrize("path", ["/generate", "/api/v1/generate/stream", "/v1/chat/completions"])
def test_a_key_that_llmd_never_made_is_a_401(daemon: Daemon, path: str) -> None:
    forged = "Bearer llmd-" + "0" * 46
    reply = send(daemon.address, "POST", path, {"prompt": "x"}, Authorization=forged)
    assert reply.status == 401
    assert reply.json()["error"]["code"].upper() == "INVALID_API_KEY"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/health", None),
        ("POST", "/generate", {"prompt": "x", "max_tokens": 1}),
        ("POST", "/api/v1/generate/stream", {"prompt": "x", "max_tokens": 1}),
        ("POST", "/generate", {}),
        ("GET", "/nothing", None),
    ],
)
def test_every_answer_tells_of_the_limits(
    daemon: Daemon, method: str, path: str, body: Any
) -> None:
    headers = send(daemon.address, method, path, body).headers
    for name in ("Limit", "Remaining", "Reset"):
        assert int(headers[f"X-RateLimit-{name}"]) >= 0


def test_metrics_have_the_documented_names(daemon: Daemon) -> None:
    send(daemon.address, "POST", "/generate", {"prompt": "x", "max_tokens": 1})
    text = send(daemon.address, "GET", "/metrics").data.decode()
    for name, kind in (("model_inference_seconds", "histogram"), ("active_connections", "gauge")):
        assert re.search(rf"^# HELP {name} \S", text, re.MULTILINE)
        assert f"# TYPE {name} {kind}\n" in text
    for bound in (1, 3, 5):
        pattern = rf'^model_inference_seconds_bucket{{[^}}]*le="{bound}(\.0)?"[^}}]*}} [1-9]'
        assert re.search(pattern, text, re.MULTILINE)
    assert re.search(r"^active_connections \d", text, re.MULTILINE)


def test_chat_completions_are_those_of_openai(daemon: Daemon) -> None:
    body: dict[str, Any] = {
        "model": "qwen-7b-chat",
        "messages": MESSAGES,
        "max_tokens": 512,
        "temperature": 0.7,
        "stream": False,
    }
    shown = {
        "id": "chatcmpl-123",
        "object": "chat.completion",
        "created": 1677652288,
        "model": "qwen-7b-chat",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "人工智能是..."},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
    found = send(daemon.address, "POST", "/v1/chat/completions", body).json()
    same_shape(shown, found)
    assert (found["object"], found["model"]) == ("chat.completion", "qwen-7b-chat")
    assert found["id"].startswith("chatcmpl-")

    body = {**body, "stream": True, "choice": [ANSWER]}
    *events, done = send(daemon.address, "POST", "/v1/chat/completions", body).events()
    assert done == "[DONE]"
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1
    choices = [event["choices"][0] for event in events]
    assert "".join(choice["delta"].get("content", "") for choice in choices) == ANSWER
    assert choices[-1] == {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}
    assert {choice["finish_reason"] for choice in choices[:-1]} == {None}


def test_the_list_at_v1_names_all_models(daemon: Daemon) -> None:
    listed = send(daemon.address, "GET", "/v1/models").json()
    assert listed["object"] == "list"
    assert {"qwen-7b-chat", "llama-2-7b-chat"} <= {model["id"] for model in listed["data"]}


@pytest.mark.parametrize("name", SUPPORTED)
def test_the_supported_models_can_be_pulled_by_their_names(name: str) -> None:
    entry = builtin()[name]
    assert entry.kind == "chat"
    assert entry.source


def source(daemon: Daemon, name: str) -> str:
    return (
        (DOCUMENT / name)
        .read_text(encoding="utf-8")
        .replace("http://localhost:8000", daemon.address)
    )


def test_the_python_example_runs(daemon: Daemon) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source(daemon, "native_client.py.txt"), "example", "exec"), {})
    assert printed.getvalue().strip()


def test_the_example_for_openai_runs_with_its_client_of_today(daemon: Daemon) -> None:
    text = source(daemon, "native_openai.py.txt")
    base, key = re.findall(r'openai\.api_(?:base|key) = "(.*?)"', text)
    with openai.OpenAI(base_url=base, api_key=key) as client:
        response = client.chat.completions.create(
            model="qwen-7b-chat",
            messages=MESSAGES,  # type: ignore[arg-type]
        )
    assert response.choices[0].message.content
    assert response.choices[0].finish_reason in {"stop", "length"}


def test_the_example_for_langchain_runs_with_its_package_of_today(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any-key")
    text = source(daemon, "native_langchain.py.txt")
    lines = [line for line in text.splitlines() if not line.startswith("from langchain")]
    made: dict[str, Any] = {"OpenAI": OpenAI, "ChatOpenAI": ChatOpenAI}
    exec(compile("\n".join(lines), "example", "exec"), made)
    assert isinstance(made["llm"].invoke(QUESTION), str)
    assert made["chat"].invoke(QUESTION).response_metadata["model_name"] == "qwen-7b-chat"
    said = made["chat"].bind(extra_body={"choice": [ANSWER]}).stream(QUESTION)
    assert "".join(chunk.content for chunk in said) == ANSWER


SHIM = """
const real = fetch;
globalThis.fetch = (path, options) => real(process.argv[2] + path, options);
%s
streamGenerate(process.argv[3]);
"""


def node_can_fetch() -> bool:
    node = shutil.which("node")
    return (
        bool(node)
        and not subprocess.run(
            [str(node), "-e", "fetch"], check=False, stderr=subprocess.DEVNULL
        ).returncode
    )


@pytest.mark.skipif(not node_can_fetch(), reason="the JavaScript example needs node 18 or newer")
def test_the_javascript_example_runs(daemon: Daemon, tmp_path: Path) -> None:
    script = tmp_path / "example.js"
    script.write_text(SHIM % source(daemon, "native_stream.js"), encoding="utf-8")
    command = ["node", str(script), daemon.address, "What is the capital of France?"]
    # it takes each read for one event, which no server can promise to a process that gets no turn
    for _ in range(3):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env={**os.environ}, check=False
        )
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_client_over_its_limit_is_a_429(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_LIMITS_ADDRESS_REQUESTS_PER_MINUTE="2")
    ask = {"prompt": "x", "max_tokens": 1}
    remaining = []
    for path in ("/generate", "/api/v1/generate/stream"):
        reply = send(daemon.address, "POST", path, ask)
        assert reply.status == 200
        assert reply.headers["X-RateLimit-Limit"] == "2"
        remaining.append(int(reply.headers["X-RateLimit-Remaining"]))
    assert remaining == [1, 0]
    for path in ("/generate", "/api/v1/generate/stream", "/batch/generate"):
        refused = send(daemon.address, "POST", path, ask)
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert refused.json()["error"]["code"] == "RATE_LIMITED"


def test_a_daemon_that_shuts_down_answers_503_and_a_running_stream_is_finished(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon()
    body = {"prompt": "Hello", "ignore_eos": True, "max_tokens": 800}
    connection = http.client.HTTPConnection(urlsplit(daemon.address).netloc, timeout=60)
    connection.request("POST", "/generate/stream", json.dumps(body))
    response = connection.getresponse()
    assert response.readline().startswith(b"data: ")
    os.kill(daemon.pid, signal.SIGTERM)
    wait_for(lambda: daemon.call("GET", "/health")["status"] == "draining")
    refused = daemon.call("POST", "/api/v1/generate", {"prompt": "x"})
    assert refused["error"]["code"] == "DRAINING"
    assert refused["detail"]
    *_, last = response.read().decode().removesuffix("\n\n").split("\n\n")
    end = json.loads(last.removeprefix("data: "))
    assert (end["finished"], end.get("finish_reason")) == (True, "length")
    connection.close()


def test_many_clients_at_once_get_their_own_answers(daemon: Daemon) -> None:
    def ask(index: int) -> str:
        body = {"prompt": QUESTION, "choice": [f"第{index}个回答"]}
        path = "/generate/stream" if index % 2 else "/generate"
        reply = send(daemon.address, "POST", path, body)
        if index % 2:
            return "".join(event["token"] for event in reply.events())
        return str(reply.json()["text"])

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(ask, range(40))) == [f"第{index}个回答" for index in range(40)]
