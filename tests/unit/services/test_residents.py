from __future__ import annotations

import pytest

from llmd.errors import Draining, ModelNotFound
from tests.unit.services.conftest import Bench


async def test_load_and_unload(bench: Bench) -> None:
    residents = bench.services.residents
    progress = [item async for item in residents.load(None)]
    assert progress[-1].status == "ready"
    assert [model.name for model in residents.models()] == ["llmd-tiny"]
    assert await residents.unload("llmd-tiny", everything=False, force=False) == ["llmd-tiny"]
    assert residents.models() == []


async def test_unloading_all_of_nothing_is_fine_but_one_that_is_not_loaded_is_an_error(
    bench: Bench,
) -> None:
    residents = bench.services.residents
    assert await residents.unload(None, everything=True, force=False) == []
    with pytest.raises(ModelNotFound):
        await residents.unload("llmd-tiny", everything=False, force=False)


async def test_nothing_is_loaded_while_draining(bench: Bench) -> None:
    bench.gate.close()
    with pytest.raises(Draining):
        await anext(bench.services.residents.load(None))
