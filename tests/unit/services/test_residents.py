from __future__ import annotations

import asyncio

import pytest

from llmd.config.settings import Mismatch
from llmd.errors import Draining, InvalidRequest, ModelNotFound, ModelNotLoaded
from llmd.protocol.placement import LoadOptions
from llmd.services.residents import Residents
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


async def test_what_was_said_of_a_model_that_has_gone_is_taken_back(bench: Bench) -> None:
    residents = bench.services.residents
    for everything in (False, True):
        async for _ in residents.load("llmd-tiny", LoadOptions(keep_alive=0)):
            pass
        async with asyncio.timeout(5):
            while residents.models():
                await asyncio.sleep(0.01)
        done = await residents.unload("llmd-tiny", everything=everything, force=False)
        assert done == ["llmd-tiny"]
    with pytest.raises(ModelNotLoaded):
        await residents.unload("llmd-tiny", everything=False, force=False)


async def test_nothing_is_loaded_while_draining(bench: Bench) -> None:
    bench.gate.close()
    with pytest.raises(Draining):
        await anext(bench.services.residents.load(None))


async def test_options_reach_the_load_and_bad_ones_are_refused(bench: Bench) -> None:
    residents = bench.services.residents
    wanted = LoadOptions(context_length=512, keep_alive=5.0)
    progress = [item async for item in residents.load(None, wanted)]
    assert progress[-1].model
    assert progress[-1].model.keep_alive == 5
    assert bench.starts.orders[0].context_length == 512
    with pytest.raises(InvalidRequest):
        await anext(residents.load(None, LoadOptions(parallel=0)))


async def test_a_request_that_would_need_a_reload_is_served_or_refused_as_it_or_the_setting_says(
    bench: Bench,
) -> None:
    model = bench.store.get("llmd-tiny")
    wish = LoadOptions(context_length=2048)
    serving = bench.services.residents
    refusing = Residents(bench.pool, bench.services.defaults, bench.gate, Mismatch.REFUSE)
    refusing.admit(model, wish, None)
    assert serving.unmet(model, wish) == [], "it is not loaded yet"
    async for _ in serving.load("llmd-tiny"):
        pass
    assert serving.unmet(model, wish) == ["context_length"]
    serving.admit(model, wish, None)
    refusing.admit(model, wish, Mismatch.SERVE)
    for residents, policy in ((serving, Mismatch.REFUSE), (refusing, None)):
        with pytest.raises(InvalidRequest) as caught:
            residents.admit(model, wish, policy)
        assert caught.value.details["would_reload"] == ["context_length"]
