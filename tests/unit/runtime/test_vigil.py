from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.residency.pressure import Reading
from llmd.runtime.vigil import Vigil, look
from llmd.telemetry.metrics import Metrics
from tests.fakes.moments import moment
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
    await moment()
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
    await moment(0.05)
    await vigil.close()
    count = len(looks)
    assert count
    await moment()
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


def test_without_control_groups_it_is_the_machine_that_counts(tmp_path: Path) -> None:
    bare = look(7, tmp_path / "none", tmp_path / "none", tmp_path)
    assert (bare.reserve, bare.stalled) == (7, 0)
    assert 0 < bare.available <= psutil.virtual_memory().total


def test_the_control_group_of_a_service_counts_and_what_it_could_drop_is_free(
    tmp_path: Path,
) -> None:
    groups, own = tmp_path / "cgroup", tmp_path / "system.slice" / "llmd.service"
    groups.write_text("0::/system.slice/llmd.service\n")
    own.mkdir(parents=True)
    statistics = "anon 500\ninactive_file 500\nactive_file 3000\nfile_mapped 2900\n"
    for name, text in {"max": "5000", "current": "4500", "stat": statistics}.items():
        (own / f"memory.{name}").write_text(text)
    found = look(7, tmp_path / "none", groups, tmp_path)
    assert (found.available, found.stalled) == (4000, 0)
    (own / "memory.stat").write_text("anon 4500\n")
    assert look(7, tmp_path / "none", groups, tmp_path).available == 500


@pytest.mark.parametrize(("machine", "own"), [(33.0, 0.0), (0.0, 12.5)])
def test_stalls_of_the_machine_or_of_the_own_group_count(
    tmp_path: Path, machine: float, own: float
) -> None:
    pressure, groups = tmp_path / "pressure", tmp_path / "cgroup"
    pressure.write_text(f"full avg10={machine} avg60=0 avg300=0 total=0\n")
    groups.write_text("0::/box\n")
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "memory.pressure").write_text(f"full avg10={own} avg60=0\n")
    (tmp_path / "memory.pressure").write_text("full avg10=99.0\n")  # of groups around it
    assert look(7, pressure, groups, tmp_path).stalled == max(machine, own)
