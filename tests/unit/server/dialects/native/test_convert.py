from __future__ import annotations

import msgspec

from llmd.protocol.models import Kind, LoadedModel, ModelState
from llmd.server.dialects.native import convert
from llmd.services.status import StatusReport

REPORT = StatusReport(
    version="1",
    llama_cpp="1",
    pid=1,
    started_at=0.0,
    state="running",
    address="",
    socket="",
    log_file="",
    resident=1,
    memory_used=int(2.1 * 2**30),
    memory_total=8 * 2**30,
    requests=5,
    loaded=[],
)


def test_health_has_the_documented_fields() -> None:
    assert msgspec.to_builtins(convert.health(REPORT)) == {
        "status": "healthy",
        "model_loaded": False,
        "memory_usage": "2.1GB/8GB",
        "active_connections": 5,
    }


def test_a_model_that_still_loads_is_not_loaded() -> None:
    loading = LoadedModel(name="m", state=ModelState.LOADING, kind=Kind.CHAT, pid=0)
    ready = LoadedModel(name="m", state=ModelState.READY, kind=Kind.CHAT, pid=7)
    assert not convert.health(msgspec.structs.replace(REPORT, loaded=[loading])).model_loaded
    assert convert.health(msgspec.structs.replace(REPORT, loaded=[loading, ready])).model_loaded


def test_draining_shows() -> None:
    assert convert.health(msgspec.structs.replace(REPORT, state="draining")).status == "draining"
