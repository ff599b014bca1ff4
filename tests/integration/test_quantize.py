"""Quantising for real: the built-in model in 16 bits becomes smaller ones that still answer."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.imatrix import columns, write_imatrix
from tests.fakes.processes import running
from tests.integration.conftest import Daemon, MakeDaemon, UnixConnection, chat, wait_for

FRANCE = "What is the capital of France?"


@pytest.fixture(scope="module")
def source(daemon: Daemon, f16_model: Path) -> str:
    """A model in 16 bits that the shared daemon knows."""
    order = {"path": str(f16_model), "name": "full:F16"}
    return str(daemon.call("POST", "/control/models/import", order)["name"])


def quantize(daemon: Daemon, model: str, kind: str, **recipe: object) -> list[dict[str, Any]]:
    order = {"model": model, "recipe": {"type": kind, "threads": 1, **recipe}}
    answer = daemon.call("POST", "/control/quantize", order)
    return answer if isinstance(answer, list) else [answer]


def answer(daemon: Daemon, model: str) -> str:
    body = {**chat(FRANCE), "model": model}
    return str(
        daemon.call("POST", "/v1/chat/completions", body)["choices"][0]["message"]["content"]
    )


def programs(daemon: Daemon) -> list[psutil.Process]:
    return running("llmd.runtime.worker.quantize", daemon.pid)


def in_background(daemon: Daemon, model: str, kind: str) -> UnixConnection:
    """Start quantising and return the connection it is watched on."""
    connection = UnixConnection(daemon.socket)
    order = {"model": model, "recipe": {"type": kind, "threads": 1}}
    connection.request("POST", "/control/quantize", json.dumps(order))
    return connection


def remains(daemon: Daemon) -> list[Path]:
    return list((daemon.home / "data" / "models" / "quantized").glob(".quantizing-*"))


def halt_at_work(daemon: Daemon) -> psutil.Process:
    """Stop the quantiser, as it stands, when a part of its file is written."""
    wait_for(lambda: programs(daemon))
    [program] = programs(daemon)
    program.suspend()
    while not any(folder.glob("*.gguf") for folder in remains(daemon)):
        program.resume()
        time.sleep(0.002)
        program.suspend()
    return program


@pytest.mark.parametrize("kind", ["Q8_0", "Q5_K_M", "Q4_0"])
def test_smaller_variants_answer_as_the_source_does(daemon: Daemon, source: str, kind: str) -> None:
    events = quantize(daemon, source, kind)
    made = events[-1]["model"]
    assert made["name"] == f"full:{kind}"
    assert made["quantization"] == kind
    assert made["owned"]
    statuses = [event["status"] for event in events[:-1]]
    assert statuses[-1] == "done"
    assert {"measuring", "quantizing"} & set(statuses)
    assert "Paris" in answer(daemon, made["name"])
    daemon.call("POST", "/control/unload", {"model": made["name"]})
    removed = daemon.call("DELETE", f"/control/models/full%3A{kind}")
    assert removed["freed"] > 0
    assert not Path(made["path"]).exists()


def test_an_importance_matrix_makes_the_smallest_types_possible(
    daemon: Daemon, source: str, f16_model: Path, tmp_path: Path
) -> None:
    [refusal] = quantize(daemon, source, "IQ2_XXS")[-1:]
    assert refusal["error"]["code"] == "invalid_request"
    assert "--imatrix" in refusal["error"]["hint"]
    matrix = write_imatrix(tmp_path / "m.gguf", columns(f16_model))
    made = quantize(daemon, source, "IQ2_XXS", imatrix=str(matrix))[-1]["model"]
    assert made["quantization"] == "IQ2_XXS"


def test_a_load_call_makes_the_variant_it_names(daemon: Daemon, source: str) -> None:
    order = {"quantization": "q4_1", "prefer_gpu": False}
    loaded = daemon.call("POST", "/models/full/load", order)
    assert loaded["status"] == "loaded"
    assert loaded["model"]["name"] == "full:Q4_1"
    assert loaded["model"]["loaded"]
    [row] = [
        model
        for model in daemon.call("GET", "/api/v1/models")["models"]
        if model["name"] == "full:Q4_1"
    ]
    assert row["loaded"]
    assert row["format"] == "gguf"
    assert daemon.call("POST", "/api/v1/models/full:Q4_1/unload", {})["status"] == "unloaded"
    again = daemon.call("POST", "/models/full:Q4_1/unload", {})
    assert again["error"]["code"] == "MODEL_NOT_LOADED"


def test_types_come_with_the_sizes_the_model_would_have(daemon: Daemon, source: str) -> None:
    types = daemon.call("GET", f"/control/quantizations?model={source}")["types"]
    sizes = {kind["name"]: kind.get("size") for kind in types}
    assert sizes["Q4_K_M"] < sizes["Q8_0"] < sizes["F16"]


def test_leaving_ends_the_work_and_nothing_is_left(daemon: Daemon, source: str) -> None:
    with contextlib.closing(in_background(daemon, source, "Q2_K")):
        program = halt_at_work(daemon)
    with contextlib.suppress(psutil.NoSuchProcess):
        program.resume()
    wait_for(lambda: not program.is_running() and not remains(daemon))
    names = [model["name"] for model in daemon.call("GET", "/control/models")["models"]]
    assert "full:Q2_K" not in names


def test_what_a_killed_daemon_left_is_gone_after_its_next_start(
    make_daemon: MakeDaemon, f16_model: Path
) -> None:
    daemon = make_daemon()
    order = {"path": str(f16_model), "name": "full:F16"}
    daemon.call("POST", "/control/models/import", order)
    with contextlib.closing(in_background(daemon, "full:F16", "Q2_K")):
        program = halt_at_work(daemon)
        assert daemon.process
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.communicate()
    with contextlib.suppress(psutil.NoSuchProcess):
        program.resume()
    wait_for(lambda: not program.is_running() or program.status() == psutil.STATUS_ZOMBIE)
    assert remains(daemon)
    daemon.start()
    assert remains(daemon) == []
    names = [model["name"] for model in daemon.call("GET", "/control/models")["models"]]
    assert names == ["llmd-tiny", "full:F16"]


def test_a_shutdown_does_not_wait_for_it(make_daemon: MakeDaemon, f16_model: Path) -> None:
    daemon = make_daemon()
    order = {"path": str(f16_model), "name": "full:F16"}
    daemon.call("POST", "/control/models/import", order)
    connection = in_background(daemon, "full:F16", "Q2_K")
    heard: list[str] = []

    def listen() -> None:
        with contextlib.suppress(OSError):
            heard.extend(connection.getresponse().read().decode().splitlines())

    listener = threading.Thread(target=listen)
    listener.start()
    wait_for(lambda: programs(daemon))
    [program] = programs(daemon)
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(15) == 0
    listener.join(10)
    connection.close()
    assert not program.is_running()
    assert remains(daemon) == []
    assert json.loads(heard[-1])["error"]["message"] == "It was stopped."
