from __future__ import annotations

import pytest
import structlog

from llmd.protocol.callers import Caller
from llmd.server.rpc.record import recorded
from llmd.telemetry import journal
from tests.unit.services.conftest import Bench


def counted(bench: Bench, status: str) -> float | None:
    labels = {"dialect": "grpc", "method": "POST", "route": "GetModel", "status": status}
    return bench.services.metrics.registry.get_sample_value("llmd_http_requests_total", labels)


async def test_a_call_is_told_with_who_made_it_and_what_it_took(bench: Bench) -> None:
    with (
        structlog.testing.capture_logs() as lines,
        recorded(bench.services, "GetModel", "t-1", {}) as record,
    ):
        record.caller = Caller(client="key:abc", label="llmd-abc")
        journal.note(journal.Answer("m", 3, 4, 0.0))
        record.settle("ok", 200)
    [line] = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "call",
        "log_level": "info",
        "method": "GetModel",
        "status": "ok",
        "caller": "llmd-abc",
        "model": "m",
        "prompt_tokens": 3,
        "completion_tokens": 4,
    }
    assert counted(bench, "200") == 1


async def test_a_call_whose_client_left_is_told_as_that(bench: Bench) -> None:
    with (
        structlog.testing.capture_logs() as lines,
        pytest.raises(RuntimeError),
        recorded(bench.services, "GetModel", "t-1", {}),
    ):
        raise RuntimeError
    assert lines[0]["status"] == "cancelled"
    assert counted(bench, "499") == 1
