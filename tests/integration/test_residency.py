"""Several models in a real daemon: who is evicted, who stays, and what requests may ask of it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.integration.conftest import (
    ENDLESS,
    Daemon,
    MakeDaemon,
    UnixConnection,
    chat,
    wait_for,
)

PARIS = "What is the capital of France?"


@pytest.fixture
def make_several(make_daemon: MakeDaemon) -> MakeDaemon:
    """Return a function that starts a daemon which knows the built-in model as a, b and c too."""

    def make(**environment: str) -> Daemon:
        daemon = make_daemon(**environment)
        for name in "abc":
            daemon.call("POST", "/control/models/copy", {"source": "llmd-tiny", "target": name})
        return daemon

    return make


def ask(daemon: Daemon, model: str, **fields: object) -> dict[str, Any]:
    answer = daemon.call("POST", "/v1/chat/completions", {**chat(PARIS, **fields), "model": model})
    assert "Paris" in answer["choices"][0]["message"]["content"], answer
    return answer


def names(daemon: Daemon) -> list[str]:
    return [model["name"] for model in daemon.call("GET", "/control/ps")["models"]]


def loads(daemon: Daemon) -> int:
    return sum(line["event"] == "loaded" for line in daemon.log())


def test_the_least_recently_used_model_goes_and_all_come_back_after_a_restart(
    make_several: MakeDaemon,
) -> None:
    daemon = make_several(LLMD_POOL_MAX_LOADED="2")
    for model in ("b", "a", "c"):
        ask(daemon, model)
    assert names(daemon) == ["a", "c"]
    assert daemon.metric('llmd_model_unloads_total{reason="room"}') == 1
    assert daemon.metric('llmd_model_loads_total{model="a",outcome="loaded"}') == 1
    daemon.call("POST", "/control/load", {"model": "a", "options": {"pinned": True}})
    for model in ("b", "c", "b"):
        ask(daemon, model)
        assert "a" in names(daemon), "it is pinned"
    ask(daemon, "c", keep_alive=0)
    wait_for(lambda: names(daemon) == ["a"])
    daemon.stop()
    daemon.start()
    assert names(daemon) == []
    ask(daemon, "b")
    assert names(daemon) == ["b"]


def test_clients_that_alternate_are_served_together_and_a_busy_model_is_waited_for(
    make_several: MakeDaemon,
) -> None:
    daemon = make_several(LLMD_POOL_MAX_LOADED="1", LLMD_POOL_TURN="3s")
    stream = daemon.open_stream({**ENDLESS, "model": "a"})
    next(stream.text())
    waiting = threading.Thread(target=ask, args=(daemon, "b"))
    waiting.start()
    wait_for(lambda: (daemon.loaded("b") or {}).get("state") == "waiting")
    assert daemon.metric("llmd_models_waiting") == 1
    assert (daemon.loaded("a") or {})["state"] == "ready"
    stream.close()
    waiting.join(30)
    assert names(daemon) == ["b"]
    before = loads(daemon)

    def client(model: str) -> None:
        for _ in range(12):
            ask(daemon, model, max_tokens=12)

    threads = [threading.Thread(target=client, args=(model,)) for model in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert loads(daemon) - before <= 8, "48 requests for two models with memory for one"


def test_what_a_request_wishes_never_reloads_and_the_answer_says_so(
    make_several: MakeDaemon,
) -> None:
    daemon = make_several()
    daemon.call("POST", "/control/load", {"model": "a", "options": {"context_length": 512}})
    connection = UnixConnection(daemon.socket)
    connection.request(
        "POST", "/v1/chat/completions", json.dumps({**chat(PARIS), "model": "a", "num_ctx": 1024})
    )
    response = connection.getresponse()
    assert response.headers["X-LLMD-Would-Reload"] == "context_length"
    assert b"Paris" in response.read()
    connection.close()
    refused = daemon.call(
        "POST",
        "/v1/chat/completions",
        {**chat(PARIS), "model": "a", "context_length": 1024, "mismatch": "refuse"},
    )["error"]
    assert refused["param"] == "context_length"
    assert refused["details"]["would_reload"] == ["context_length"]
    assert loads(daemon) == 1
    daemon.call("POST", "/control/load", {"model": "a", "options": {"context_length": 1024}})
    assert (daemon.loaded("a") or {})["context_length"] == 1024
    # a thread writes the log
    wait_for(lambda: loads(daemon) == 2)


def test_one_of_two_workers_dies_and_nobody_notices(make_several: MakeDaemon) -> None:
    daemon = make_several()
    daemon.call("POST", "/control/load", {"model": "a", "options": {"instances": 2}})
    assert len(daemon.workers()) == 2
    stream = daemon.open_stream({**ENDLESS, "model": "a"})
    text = stream.text()
    next(text)
    before = {worker: worker.cpu_times().user for worker in daemon.workers()}
    for _ in range(60):
        next(text)
    idle = min(before, key=lambda worker: worker.cpu_times().user - before[worker])
    idle.kill()
    ask(daemon, "a")
    assert next(text)
    wait_for(lambda: (daemon.loaded("a") or {})["instances"] == 2)
    stream.close()


def test_the_default_model_is_switched_while_running_and_stays_so(
    make_several: MakeDaemon,
) -> None:
    daemon = make_several()
    chosen = daemon.call("POST", "/control/defaults", {"purpose": "chat", "model": "b"})
    assert (chosen["model"], chosen["chosen"]) == ("b", True)
    assert daemon.call("POST", "/v1/chat/completions", {**chat(PARIS), "model": ""})["model"] == "b"
    refused = daemon.call("POST", "/control/defaults", {"purpose": "rerank", "model": "b"})
    assert refused["error"]["code"] == "invalid_request"
    daemon.stop()
    daemon.start()
    found = daemon.call("GET", "/control/defaults")["defaults"]
    assert found[0]["model"] == "b"
