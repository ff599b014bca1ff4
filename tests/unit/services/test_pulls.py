from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from llmd.errors import Draining, InvalidRequest
from llmd.models.download import Downloads
from llmd.protocol.models import PullProgress
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


async def test_downloads_under_way_are_told_once_for_each_model(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls = bench.services.pulls

    async def pull(
        _self: object, name: str, _limit: object, *, called: str, now: bool
    ) -> AsyncGenerator[PullProgress]:
        yield PullProgress(status="resolving")
        yield PullProgress(status="downloading", name=name, done=5, total=10)

    monkeypatch.setattr(Downloads, "pull", pull)
    async with (
        aclosing(pulls.pull("m")) as one,
        aclosing(pulls.pull("m")) as same,
        aclosing(pulls.pull("other")) as other,
    ):
        assert pulls.under_way() == []
        for watcher in (one, one, same, same, other):
            await anext(watcher)
        assert [(event.status, event.name) for event in pulls.under_way()] == [
            ("downloading", "m"),
            ("resolving", ""),
        ]
    assert pulls.under_way() == []


async def test_a_look_is_no_work_and_is_refused_while_draining(bench: Bench) -> None:
    found = await bench.services.pulls.look("llmd-tiny")
    assert found.size == found.here > 0
    assert bench.services.pulls.under_way() == []
    bench.gate.close()
    with pytest.raises(Draining):
        await bench.services.pulls.look("llmd-tiny")
