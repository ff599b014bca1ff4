from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.config.values import Duration
from llmd.errors import CorruptFile, ModelBusy, NoRoom, WorkerDied
from llmd.protocol.models import Kind, ModelState
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.supervisor import Cause
from tests.fakes.worker import FakeStarts, manifest


def make(starts: FakeStarts, **settings: object) -> Pool:
    return Pool(
        PoolSettings(**settings), Orders(EngineSettings(parallel=3)).load, lambda _: None, starts
    )  # type: ignore[arg-type]


async def use(pool: Pool, name: str = "m") -> None:
    async with pool.lease(manifest(name)):
        pass


async def test_a_model_is_loaded_once_and_shared() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    users = [asyncio.ensure_future(use(pool)) for _ in range(5)]
    await asyncio.sleep(0.01)
    (loading,) = pool.loaded()
    assert (loading.state, loading.progress) == (ModelState.LOADING, 0.5)
    starts.gate.set()
    await asyncio.gather(*users)
    await use(pool)
    assert len(starts.workers) == 1
    assert pool.loaded()[0].state is ModelState.READY
    await pool.close()


async def test_settings_and_kind_reach_the_worker() -> None:
    starts = FakeStarts()
    pool = make(starts)
    async with pool.lease(manifest("e", kind=Kind.EMBEDDING)):
        pass
    assert starts.orders[0].parallel == 3
    assert starts.orders[0].embedding
    await pool.close()


async def test_a_caller_that_leaves_does_not_take_the_model_from_the_others() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    leaving, staying = asyncio.ensure_future(use(pool)), asyncio.ensure_future(use(pool))
    await asyncio.sleep(0.01)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    starts.gate.set()
    await staying
    assert len(starts.workers) == 1
    await pool.close()


async def test_everybody_learns_why_loading_failed_and_the_next_try_starts_anew() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    starts.fail = [CorruptFile("bad")]
    pool = make(starts)
    users = [asyncio.ensure_future(use(pool)) for _ in range(3)]
    await asyncio.sleep(0.01)
    starts.gate.set()
    results = await asyncio.gather(*users, return_exceptions=True)
    assert all(isinstance(result, CorruptFile) for result in results)
    assert pool.loaded() == []
    await use(pool)
    await pool.close()


async def test_an_idle_model_goes_and_a_used_one_stays() -> None:
    starts = FakeStarts()
    pool = make(starts, keep_alive=Duration(0.05))
    async with pool.lease(manifest()):
        await asyncio.sleep(0.15)
        assert pool.loaded()[0].expires_in is None
    assert 0 < (pool.loaded()[0].expires_in or 0) <= 0.05
    await asyncio.sleep(0.15)
    assert pool.loaded() == []
    assert not starts.workers[0].alive


async def test_keep_alive_of_minus_one_means_for_ever() -> None:
    starts = FakeStarts()
    pool = make(starts, keep_alive=Duration(-1))
    await use(pool)
    assert pool.loaded()[0].expires_in is None
    await pool.close()


async def test_the_least_recently_used_idle_model_makes_room() -> None:
    starts = FakeStarts()
    pool = make(starts, max_loaded=2)
    await use(pool, "a")
    await use(pool, "b")
    await use(pool, "a")
    await use(pool, "c")
    assert [model.name for model in pool.loaded()] == ["a", "c"]
    await pool.close()


async def test_a_busy_model_is_never_evicted() -> None:
    starts = FakeStarts()
    pool = make(starts, max_loaded=1)
    async with pool.lease(manifest("a")):
        with pytest.raises(NoRoom) as caught:
            await use(pool, "b")
        assert caught.value.retry_after
        assert [model.name for model in pool.loaded()] == ["a"]
    await use(pool, "b")
    await pool.close()


async def test_weights_larger_than_the_free_memory_are_refused_with_figures() -> None:
    pool = make(FakeStarts())
    with pytest.raises(NoRoom) as caught:
        async with pool.lease(manifest("huge", size=1 << 60)):
            pass
    assert caught.value.details["needed"] == 1 << 60
    assert caught.value.details["available"] > 0


async def test_unloading_a_busy_model_needs_force() -> None:
    pool = make(FakeStarts())
    async with pool.lease(manifest()) as worker:
        with pytest.raises(ModelBusy):
            await pool.unload("m", force=False)
        assert await pool.unload("m")
        assert not worker.alive
    assert not await pool.unload("m")
    assert not await pool.unload("never heard of")


async def test_unloading_while_loading_ends_the_load() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    user = asyncio.ensure_future(use(pool))
    await asyncio.sleep(0.01)
    assert await pool.unload("m")
    with pytest.raises(WorkerDied) as caught:
        await user
    assert caught.value.details["cause"] == "stopped"
    assert pool.loaded() == []


async def test_a_dead_worker_is_replaced_on_the_next_request() -> None:
    starts = FakeStarts()
    pool = make(starts)
    await use(pool)
    starts.workers[0].die(Cause.KILLED, lived=100)
    assert pool.loaded() == []
    await use(pool)
    assert len(starts.workers) == 2
    await pool.close()


async def test_a_model_whose_workers_die_at_once_is_held_back() -> None:
    starts = FakeStarts()
    pool = make(starts)
    for _ in range(4):
        with suppress(WorkerDied):
            await use(pool)
            starts.workers[-1].die(lived=0.1)
    with pytest.raises(WorkerDied) as caught:
        await use(pool)
    assert caught.value.retry_after


async def test_loading_reports_progress_and_ends_with_the_model() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    seen = []
    async for progress in pool.load(manifest()):
        seen.append(progress)
        starts.gate.set()
    assert seen[0].status == "loading"
    assert (seen[-1].status, seen[-1].fraction) == ("ready", 1.0)
    assert seen[-1].model
    assert seen[-1].model.context_length == 64
    await pool.close()


async def test_close_stops_all_workers() -> None:
    starts = FakeStarts()
    pool = make(starts)
    await use(pool, "a")
    await use(pool, "b")
    await pool.close()
    assert not any(worker.alive for worker in starts.workers)
