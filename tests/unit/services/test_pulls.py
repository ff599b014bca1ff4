from __future__ import annotations

import pytest

from llmd.errors import Draining, InvalidRequest
from tests.unit.services.conftest import Bench


async def test_nothing_is_fetched_while_draining(bench: Bench) -> None:
    bench.gate.close()
    with pytest.raises(Draining):
        await anext(bench.services.pulls.pull("qwen3-4b"))
    assert bench.gate.inside == 0


async def test_a_name_that_cannot_be_read_is_refused_before_anything_starts(bench: Bench) -> None:
    with pytest.raises(InvalidRequest):
        await anext(bench.services.pulls.pull("no such: name?"))
    assert bench.gate.inside == 0
