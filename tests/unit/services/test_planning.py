from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, ModelNotFound, NotFound
from llmd.protocol.models import Prospect
from llmd.protocol.placement import LoadOptions
from llmd.services.planning import Planning
from tests.fakes.planner import FakePlanner
from tests.fakes.worker import manifest
from tests.unit.services.conftest import Bench

GIB = 2**30


class Desk:
    """Planning over the services of a bench, on a machine of any size."""

    def __init__(self, bench: Bench, memory: int = 64 * GIB, reserve: int = 0) -> None:
        self.planner = FakePlanner(memory)
        self.planning = Planning(
            self.planner, bench.pool, bench.services.defaults, bench.catalogue, reserve
        )


async def test_the_default_model_is_planned_as_it_would_be_loaded(bench: Bench) -> None:
    plan = await Desk(bench).planning.plan(None, LoadOptions(context_length=77))
    assert plan.model == "llmd-tiny"
    assert plan.fits
    assert plan.context_length == 77


async def test_what_must_stay_free_is_not_planned_with(bench: Bench, tiny_model: Path) -> None:
    size = tiny_model.stat().st_size
    assert (await Desk(bench, memory=size).planning.plan(None, LoadOptions())).fits
    plan = await Desk(bench, memory=size, reserve=1).planning.plan(None, LoadOptions())
    assert not plan.fits
    assert plan.rooms[0].free == size - 1


async def test_a_model_that_is_loaded_does_not_stand_in_its_own_way(bench: Bench) -> None:
    async with bench.pool.lease(bench.store.get("llmd-tiny")):
        pass
    (model,) = bench.pool.loaded()
    size = sum(use.parts.total for use in model.predicted)
    assert (await Desk(bench, memory=size).planning.plan("llmd-tiny", LoadOptions())).fits


async def test_idle_models_that_would_go_are_named(bench: Bench) -> None:
    async with bench.pool.lease(manifest("idle", size=3 * GIB)):
        pass
    plan = await Desk(bench, memory=3 * GIB).planning.plan("llmd-tiny", LoadOptions())
    assert plan.fits
    assert plan.evicted == ["idle"]


async def test_pinned_models_do_not_go(bench: Bench) -> None:
    async for _ in bench.pool.load(manifest("held", size=3 * GIB), LoadOptions(pinned=True)):
        pass
    plan = await Desk(bench, memory=3 * GIB).planning.plan("llmd-tiny", LoadOptions())
    assert not plan.fits
    assert plan.evicted == []


async def test_a_file_that_is_not_registered_can_be_planned(
    bench: Bench, embedding_model: Path
) -> None:
    plan = await Desk(bench).planning.plan(str(embedding_model), LoadOptions())
    assert plan.model == embedding_model.name
    with pytest.raises(NotFound):
        await Desk(bench).planning.plan("/no/such.gguf", LoadOptions())


async def test_an_entry_of_the_catalogue_is_planned_roughly(bench: Bench) -> None:
    entry = next(entry for entry in bench.catalogue.entries().values() if entry.size)
    plan = await Desk(bench).planning.plan(entry.alias, LoadOptions())
    assert plan.rough
    assert plan.uses[0].parts.weights == entry.size
    label = min(entry.quantizations, key=lambda name: entry.quantizations[name])
    small = await Desk(bench).planning.plan(f"{entry.alias}:{label.lower()}", LoadOptions())
    assert small.uses[0].parts.weights == entry.quantizations[label]


async def test_what_is_neither_is_not_found(bench: Bench) -> None:
    with pytest.raises(ModelNotFound):
        await Desk(bench).planning.plan("no-such-model", LoadOptions())


async def test_bad_options_are_refused(bench: Bench) -> None:
    with pytest.raises(InvalidRequest):
        await Desk(bench).planning.plan(None, LoadOptions(parallel=1000))


@pytest.mark.parametrize(("size", "fits"), [(GIB, True), (80 * GIB, False)])
async def test_what_is_not_here_is_planned_by_its_size_alone(
    bench: Bench, size: int, fits: bool
) -> None:
    plan = await Desk(bench).planning.rough(Prospect(name="acme/m", size=size))
    assert (plan.fits, plan.rough, plan.uses[0].parts.weights) == (fits, True, size)
