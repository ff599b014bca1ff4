from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.residency.pressure import Reading
from llmd.runtime.vigil import Vigil, look
from llmd.telemetry.metrics import Metrics
from tests.fakes.planner import FakePlanner
from tests.fakes.worker import FakeStarts, manifest

SHORT = Reading(available=1, reserve=100 * 2**20)


async def pool_of(starts: FakeStarts, *names: str) -> Pool:
    pool = Pool(PoolSettings(), Orders(EngineSettings()).load, FakePlanner(), Metrics(), starts)
    for name in names:
        async with pool.lease(manifest(name)):
            pass
    return pool


async def test_caches_shrink_before_idle_models_go_and_busy_ones_stay() -> None:
    starts = FakeStarts()
    pool = await pool_of(starts, "idle", "busy")
    for worker in starts.workers:
        worker.caches = 2**30
    vigil = Vigil(pool, lambda: SHORT)
    async with pool.lease(manifest("busy")):
        await vigil.act(100.0)
        assert all(worker.caches == 2**30 - 100 * 2**20 + 1 for worker in starts.workers)
        assert len(pool.loaded()) == 2
        await vigil.act(105.0)
        assert [model.name for model in pool.loaded()] == ["busy"]
        await vigil.act(110.0)
        assert [model.name for model in pool.loaded()] == ["busy"]
        await vigil.act(115.0)
        assert starts.workers[1].caches == 2**30 - 2 * (100 * 2**20 - 1), "the caches once more"
    await pool.close()


async def test_nothing_is_done_while_a_model_is_being_loaded() -> None:
    starts = FakeStarts()
    pool = await pool_of(starts, "idle")
    starts.workers[0].caches = 10
    starts.gate.clear()
    loading = asyncio.ensure_future(pool_of(starts))
    using = asyncio.ensure_future(anext(pool.load(manifest("new"))))
    await asyncio.sleep(0.01)
    await Vigil(pool, lambda: SHORT).act(100.0)
    assert starts.workers[0].caches == 10
    starts.gate.set()
    await asyncio.gather(loading, using)
    await pool.close()


async def test_it_watches_until_it_is_closed() -> None:
    pool = await pool_of(FakeStarts())
    looks: list[int] = []

    def seen() -> Reading:
        looks.append(1)
        return Reading(2, 1)

    vigil = Vigil(pool, seen, every=0.001)
    vigil.start()
    await asyncio.sleep(0.05)
    await vigil.close()
    count = len(looks)
    assert count
    await asyncio.sleep(0.01)
    assert len(looks) == count


async def test_it_goes_on_after_a_look_that_failed() -> None:
    pool = await pool_of(FakeStarts())
    looks: list[int] = []
    again = asyncio.Event()

    def seen() -> Reading:
        looks.append(1)
        if len(looks) == 1:
            raise OSError(24, "Too many open files")
        again.set()
        return Reading(2, 1)

    vigil = Vigil(pool, seen, every=0.001)
    vigil.start()
    await asyncio.wait_for(again.wait(), 5)
    await vigil.close()


def test_the_control_group_counts_where_it_has_a_limit(tmp_path: Path) -> None:
    pressure = tmp_path / "pressure"
    pressure.write_text("full avg10=33.0 avg60=0 avg300=0 total=0\n")
    bare = look(7, tmp_path / "none", tmp_path / "none")
    assert (bare.reserve, bare.stalled) == (7, 0)
    assert 0 < bare.available <= psutil.virtual_memory().total
    for name, text in {"max": "5000", "current": "4000", "stat": "inactive_file 500"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    found = look(7, pressure, tmp_path)
    assert (found.available, found.stalled) == (1500, 33.0)
