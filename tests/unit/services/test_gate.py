from __future__ import annotations

import asyncio

import pytest

from llmd.errors import Draining
from llmd.services.gate import Gate
from llmd.telemetry.metrics import Metrics


async def test_a_closed_gate_refuses_new_requests_and_waits_for_running_ones() -> None:
    gate = Gate(Metrics())
    inside = gate.enter()
    inside.__enter__()
    gate.close()
    with pytest.raises(Draining) as caught, gate.enter():
        pass
    assert caught.value.status == 503
    assert caught.value.retry_after
    assert gate.inside == 1
    assert not await gate.emptied(0.01)
    waiting = asyncio.ensure_future(gate.emptied(5))
    inside.__exit__(None, None, None)
    assert await waiting


async def test_an_error_inside_still_leaves() -> None:
    gate = Gate(Metrics())
    with pytest.raises(ValueError, match="x"), gate.enter():
        raise ValueError("x")
    assert gate.inside == 0
    assert await gate.emptied(-1)
