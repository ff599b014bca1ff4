from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.models import (
    Kind,
    LoadedModel,
    LoadProgress,
    Memory,
    ModelState,
    PullProgress,
)
from llmd.protocol.quantization import QuantizeProgress
from llmd.protocol.reports import StatusReport
from llmd.server.dialects.native.convert import state
from tests.fakes.manifests import make_manifest

REPORT = StatusReport(
    version="1",
    llama_cpp="1",
    pid=1,
    started_at=0.0,
    state="running",
    address="",
    socket="",
    grpc="",
    log_file="",
    resident=1,
    memory_used=int(2.1 * 2**30),
    memory_total=8 * 2**30,
    requests=2,
    connections=5,
    loaded=[],
)


def test_health_has_the_documented_fields() -> None:
    assert msgspec.to_builtins(state.health(REPORT)) == {
        "status": "healthy",
        "model_loaded": False,
        "memory_usage": "2.1GB/8GB",
        "active_connections": 5,
    }


def test_a_model_that_still_loads_is_not_loaded() -> None:
    loading = LoadedModel(name="m", state=ModelState.LOADING, kind=Kind.CHAT, pid=0)
    ready = LoadedModel(name="m", state=ModelState.READY, kind=Kind.CHAT, pid=7)
    assert not state.health(msgspec.structs.replace(REPORT, loaded=[loading])).model_loaded
    assert state.health(msgspec.structs.replace(REPORT, loaded=[loading, ready])).model_loaded


def test_draining_shows() -> None:
    assert state.health(msgspec.structs.replace(REPORT, state="draining")).status == "draining"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (4_600_000, "4.6MB"),
        (4_200_000_000, "4.2GB"),
        (123_000_000_000, "123GB"),
        (2.5e12, "2.5TB"),
    ],
)
def test_sizes_are_written_as_in_the_document(count: float, text: str) -> None:
    assert state.size(count) == text


def test_models_have_the_documented_fields_and_openais() -> None:
    llama = make_manifest("llama-2-7b-chat", size=4_200_000_000, added=12.5)
    loaded = LoadedModel(
        name="llama-2-7b-chat",
        state=ModelState.READY,
        kind=Kind.CHAT,
        pid=7,
        context_length=512,
        memory=Memory(1, 2, 3_800_000_000),
    )
    body = msgspec.to_builtins(state.models([llama, make_manifest("b")], [loaded], "b"))
    documented = {
        "name": "llama-2-7b-chat",
        "format": "gguf",
        "size": "4.2GB",
        "loaded": True,
        "memory_usage": "3.8GB",
    }
    first, second = body["models"]
    assert documented.items() <= first.items()
    assert (first["device"], first["default"], first["context_length"]) == ("CPU", False, 512)
    assert (second["loaded"], second["memory_usage"], second["default"]) == (False, "0B", True)
    assert body["object"] == "list"
    assert body["data"][0] == {
        "id": "llama-2-7b-chat",
        "object": "model",
        "created": 12,
        "owned_by": "llmd",
    }


def test_a_model_that_is_still_loading_counts_as_not_loaded() -> None:
    loading = LoadedModel(name="m", state=ModelState.LOADING, kind=Kind.CHAT, pid=0)
    row = state.model(make_manifest("m"), loading)
    assert (row.loaded, row.device, row.memory_bytes) == (False, None, 0)


def test_steps_of_a_streamed_load_have_one_shape() -> None:
    steps = [
        state.step(PullProgress(status="downloading", file="f.gguf", done=1, total=4)),
        state.step(QuantizeProgress(status="quantizing", name="m", file="t", done=9, total=8)),
        state.step(LoadProgress(status="loading", fraction=0.123456)),
        state.step(PullProgress(status="resolving")),
    ]
    assert [(step.status, step.progress, step.detail) for step in steps] == [
        ("downloading", 0.25, "f.gguf"),
        ("quantizing", 1.0, "t"),
        ("loading", 0.1235, ""),
        ("resolving", 0.0, ""),
    ]
