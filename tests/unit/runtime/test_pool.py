from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import msgspec
import pytest

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.config.values import Duration, Size
from llmd.errors import CorruptFile, ModelBusy, NoRoom, WorkerDied
from llmd.protocol.models import Kind, ModelState
from llmd.protocol.placement import LoadOptions
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.supervisor import Cause
from llmd.telemetry.metrics import Metrics
from tests.fakes.moments import moment, until
from tests.fakes.planner import FakePlanner
from tests.fakes.worker import FakeStarts, FakeWorker, manifest


def make(starts: FakeStarts, memory: int = 1000, **settings: object) -> Pool:
    return Pool(
        PoolSettings(reserve=Size(1), **settings),  # type: ignore[arg-type]
        Orders(EngineSettings()).load,
        FakePlanner(memory + 1),
        Metrics(),
        starts,
    )


async def use(pool: Pool, name: str = "m") -> None:
    async with pool.lease(manifest(name)):
        pass


async def test_a_model_is_loaded_once_and_shared() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    users = [asyncio.ensure_future(use(pool)) for _ in range(5)]
    await moment()
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
    assert starts.orders[0].parallel == 2
    assert starts.orders[0].embedding
    await pool.close()


async def test_a_caller_that_leaves_does_not_take_the_model_from_the_others() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    leaving, staying = asyncio.ensure_future(use(pool)), asyncio.ensure_future(use(pool))
    await moment()
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
    await moment()
    starts.gate.set()
    results = await asyncio.gather(*users, return_exceptions=True)
    assert all(isinstance(result, CorruptFile) for result in results)
    assert pool.loaded() == []
    (failure,) = pool.failures()
    assert (failure.model, failure.code, failure.message) == ("m", "corrupt_file", "bad")
    assert pool.failures(within=-1.0) == [], "it is forgotten after a while"
    await use(pool)
    assert pool.failures() == [], "it could be loaded after all"
    await pool.close()


async def test_a_load_that_somebody_ended_is_no_failure() -> None:
    starts = FakeStarts()
    starts.gate.clear()
    pool = make(starts)
    using = asyncio.ensure_future(use(pool))
    await moment()
    await pool.unload("m")
    await asyncio.gather(using, return_exceptions=True)
    assert pool.failures() == []
    await pool.close()


async def test_an_idle_model_goes_and_a_used_one_stays() -> None:
    starts = FakeStarts()
    pool = make(starts, keep_alive=Duration(0.3))
    async with pool.lease(manifest()):
        await moment(0.4)
        assert pool.loaded()[0].expires_in is None
    assert 0 < (pool.loaded()[0].expires_in or 0) <= 0.3
    await until(lambda: not pool.loaded())
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


async def test_a_load_waits_for_a_busy_model_and_goes_on_when_that_is_idle() -> None:
    pool = make(FakeStarts(), max_loaded=1)
    async with pool.lease(manifest("a")):
        waiting = asyncio.ensure_future(use(pool, "b"))
        await moment(0.02)
        assert [(m.name, m.state) for m in pool.loaded()] == [
            ("a", ModelState.READY),
            ("b", ModelState.WAITING),
        ]
    await waiting
    assert [model.name for model in pool.loaded()] == ["b"]
    await pool.close()


async def test_who_waits_too_long_for_room_is_told_to_come_back() -> None:
    pool = make(FakeStarts(), max_loaded=1, room_timeout=Duration(0.03))
    async with pool.lease(manifest("a")) as worker:
        with pytest.raises(NoRoom) as caught:
            await use(pool, "b")
        assert caught.value.retry_after
        assert worker.alive
        assert [model.name for model in pool.loaded()] == ["a"]
    await pool.close()


async def test_weights_larger_than_the_memory_are_refused_with_figures() -> None:
    pool = make(FakeStarts())
    with pytest.raises(NoRoom) as caught:
        async with pool.lease(manifest("huge", size=1 << 60)):
            pass
    assert caught.value.details["needed"] == 1 << 60
    assert caught.value.details["available"] > 0
    assert "Take a smaller one." in caught.value.hint
    assert pool.loaded() == []


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
    await moment()
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


async def holding(pool: Pool, name: str, until: asyncio.Event, order: list[str]) -> None:
    async with pool.lease(manifest(name)):
        order.append(name)
        await until.wait()


async def test_alternating_requests_are_served_together_for_the_length_of_a_turn() -> None:
    starts = FakeStarts()
    pool = make(starts, max_loaded=1, turn=Duration(0.2))

    async def answer(name: str) -> None:
        async with pool.lease(manifest(name)):
            await asyncio.sleep(0.002)

    async def ask(name: str) -> None:
        for _ in range(40):
            await asyncio.gather(answer(name), answer(name))

    await asyncio.gather(ask("a"), ask("b"))
    assert len(starts.workers) <= 6, "160 requests that arrive in turns reload a few times"
    await pool.close()


async def test_new_requests_for_a_closed_model_stand_behind_the_load_that_closed_it() -> None:
    starts = FakeStarts()
    pool = make(starts, max_loaded=1, turn=Duration(0))
    first, rest, order = asyncio.Event(), asyncio.Event(), list[str]()
    rest.set()
    users = [asyncio.ensure_future(holding(pool, "a", first, order))]
    await moment()
    users.append(asyncio.ensure_future(holding(pool, "b", rest, order)))
    await moment(0.03)
    users.append(asyncio.ensure_future(holding(pool, "a", rest, order)))
    await moment()
    first.set()
    await asyncio.gather(*users)
    assert order == ["a", "b", "a"]
    assert [worker.name for worker in starts.workers] == ["a", "b", "a"]
    await pool.close()


async def test_a_small_model_overtakes_a_waiting_one_into_memory_that_it_does_not_want() -> None:
    pool = make(FakeStarts(), memory=100)
    done = asyncio.Event()
    order: list[str] = []

    def start(name: str, size: int) -> asyncio.Task[None]:
        async def run() -> None:
            async with pool.lease(manifest(name, size=size)):
                order.append(name)
                await done.wait()

        return asyncio.ensure_future(run())

    users = [start("busy", 60)]
    await moment()
    users += [start("large", 90), start("small", 10)]
    await moment(0.05)
    assert order == ["busy", "small"]
    done.set()
    await asyncio.gather(*users)
    assert order[-1] == "large"
    await pool.close()


async def test_a_pinned_model_is_never_evicted_and_says_so() -> None:
    pool = make(FakeStarts(), max_loaded=1, keep_alive=Duration(0.01))
    async for _ in pool.load(manifest("a"), LoadOptions(pinned=True)):
        pass
    (row,) = pool.loaded()
    assert (row.pinned, row.expires_in, row.keep_alive) == (True, None, None)
    with pytest.raises(NoRoom) as caught:
        await use(pool, "b")
    assert "a is pinned" in caught.value.message
    await moment(0.03)
    assert [model.name for model in pool.loaded()] == ["a"]
    async for _ in pool.load(manifest("a"), LoadOptions(pinned=False)):
        pass
    await use(pool, "b")
    assert [model.name for model in pool.loaded()] == ["b"]
    await pool.close()


async def test_keep_alive_comes_from_the_request_then_the_order_then_the_manifest() -> None:
    pool = make(FakeStarts())
    own = msgspec.structs.replace(manifest(), options=LoadOptions(keep_alive=100.0))
    async with pool.lease(own):
        assert pool.loaded()[0].keep_alive == 100
    async for _ in pool.load(own, LoadOptions(keep_alive=50.0)):
        pass
    assert 49 < (pool.loaded()[0].expires_in or 0) <= 50
    async with pool.lease(own, wish=LoadOptions(keep_alive=-1.0)):
        assert pool.loaded()[0].keep_alive is None
    assert pool.loaded()[0].expires_in is None
    async with pool.lease(own):
        pass
    assert pool.loaded()[0].keep_alive == 50
    async with pool.lease(own, wish=LoadOptions(keep_alive=0.0)):
        pass
    await moment()
    assert pool.loaded() == []


async def test_an_order_that_differs_loads_anew_unless_the_model_is_in_use() -> None:
    starts = FakeStarts()
    pool = make(starts)
    await use(pool)
    async with pool.lease(manifest()):
        with pytest.raises(ModelBusy) as caught:
            await anext(pool.load(manifest(), LoadOptions(context_length=128)))
        assert "context_length" in caught.value.message
    async for _ in pool.load(manifest(), LoadOptions(context_length=128)):
        pass
    assert starts.orders[-1].context_length == 128
    async for _ in pool.load(manifest(), LoadOptions(context_length=128)):
        pass
    assert len(starts.workers) == 2, "the same order loads nothing"
    await pool.unload("m")
    await use(pool)
    assert starts.orders[-1].context_length == 64, "unloading forgets it"
    await pool.close()


async def test_an_order_that_cannot_be_had_is_forgotten() -> None:
    starts = FakeStarts()
    pool = make(starts)
    starts.fail = [CorruptFile("bad")]
    with pytest.raises(CorruptFile):
        async for _ in pool.load(manifest(), LoadOptions(context_length=128)):
            pass
    await use(pool)
    assert starts.orders[-1].context_length == 64
    await pool.close()


async def test_unloading_takes_an_order_back_also_once_the_model_has_gone_by_itself() -> None:
    starts = FakeStarts()
    pool = make(starts)
    async for _ in pool.load(manifest(), LoadOptions(context_length=63, keep_alive=0)):
        pass
    async with asyncio.timeout(5):
        while pool.loaded():
            await asyncio.sleep(0.01)
    assert pool.ordered() == ["m"]
    assert await pool.unload("m", force=False)
    assert pool.ordered() == []
    assert not await pool.unload("m"), "there is nothing to take back"
    await use(pool)
    assert starts.orders[-1].context_length == 64
    await pool.close()


async def given_up(pool: Pool) -> None:
    """Break a load off that waits for room."""
    loading = pool.load(manifest(size=80), LoadOptions(context_length=63, pinned=True))
    await anext(loading)
    await moment(0.02)
    await loading.aclose()


async def test_a_load_that_is_given_up_while_it_waits_leaves_no_order() -> None:
    starts = FakeStarts()
    pool = make(starts, memory=100)
    async with pool.lease(manifest("busy", size=80)):
        await given_up(pool)
        assert pool.ordered() == []
    async with pool.lease(manifest(size=80)):
        (loaded,) = pool.loaded()
        assert (starts.orders[-1].context_length, loaded.pinned) == (64, False)
    await pool.close()


async def test_those_who_wait_beside_a_load_that_is_given_up_are_not_bound_by_it() -> None:
    starts = FakeStarts()
    pool = make(starts, memory=100)
    async with pool.lease(manifest("busy", size=80)):
        waiting = asyncio.ensure_future(use_large(pool))
        await given_up(pool)
    await waiting
    assert starts.orders[-1].context_length == 64
    await pool.close()


async def use_large(pool: Pool) -> None:
    async with pool.lease(manifest(size=80)):
        pass


async def test_what_was_taken_back_stays_so_when_a_load_fails_for_it() -> None:
    starts = FakeStarts()
    pool = make(starts, memory=100)
    async for _ in pool.load(manifest(size=80), LoadOptions(context_length=63)):
        pass
    async with pool.lease(manifest("busy", size=80)):
        loading = pool.load(manifest(size=80), LoadOptions(parallel=3))
        await anext(loading)
        await moment(0.02)
        await pool.unload("m")
        with pytest.raises(WorkerDied):
            await anext(loading)
    await use_large(pool)
    assert (starts.orders[-1].context_length, starts.orders[-1].parallel) == (64, 2)
    await pool.close()


async def test_a_wish_is_heeded_by_the_load_it_causes_and_never_reloads() -> None:
    starts = FakeStarts()
    pool = make(starts)
    own = msgspec.structs.replace(manifest(), context_length=4096)
    async with pool.lease(own, wish=LoadOptions(context_length=256)):
        assert starts.orders[0].context_length == 256
    assert pool.unmet(own, LoadOptions(context_length=32)) == []
    async with pool.lease(own, wish=LoadOptions(context_length=1024)):
        assert pool.unmet(own, LoadOptions(context_length=1024)) == ["context_length"]
        assert pool.unmet(own, LoadOptions(kv_type="q8_0")) == ["kv_type"]
    assert len(starts.workers) == 1
    await pool.close()


async def test_several_workers_share_requests_and_conversations_stay_with_one() -> None:
    starts = FakeStarts()
    pool = make(starts)
    async for _ in pool.load(manifest(), LoadOptions(instances=3)):
        pass
    assert pool.loaded()[0].instances == 3
    prompts = [TextPrompt(f"conversation {number}") for number in range(3)]
    async with (
        pool.lease(manifest(), prompts[0]) as a,
        pool.lease(manifest(), prompts[1]) as b,
        pool.lease(manifest(), prompts[2]) as c,
    ):
        assert len({id(worker) for worker in (a, b, c)}) == 3
    for prompt, worker in zip(reversed(prompts), (c, b, a), strict=True):
        async with pool.lease(manifest(), prompt) as again:
            assert again is worker
    await pool.close()


async def test_one_of_several_workers_dies_and_is_replaced_while_the_others_go_on() -> None:
    starts = FakeStarts()
    pool = make(starts)
    async for _ in pool.load(manifest(), LoadOptions(instances=2)):
        pass
    async with pool.lease(manifest(), TextPrompt("x")) as worker:
        other = next(one for one in starts.workers if one is not worker)
        other.die(lived=100)
        assert pool.loaded()[0].instances == 1
        await moment(0.02)
        assert pool.loaded()[0].instances == 2
        assert worker.alive
    assert len(starts.workers) == 3
    await pool.close()


async def test_memory_that_turns_out_too_small_is_tried_once_more_without_idle_models() -> None:
    starts = FakeStarts()
    pool = make(starts)
    await use(pool, "idle")
    starts.fail = [NoRoom("llama.cpp had not enough")]
    await use(pool, "m")
    assert [model.name for model in pool.loaded()] == ["m"]
    starts.fail = [NoRoom("llama.cpp had not enough")] * 2
    await pool.unload("m")
    with pytest.raises(NoRoom):
        await use(pool, "m")
    await pool.close()


async def test_idle_models_go_first_under_pressure_and_busy_ones_never() -> None:
    pool = make(FakeStarts())
    await use(pool, "old")
    await use(pool, "new")
    async with pool.lease(manifest("busy")):
        assert await pool.unload_idle("pressure") == "old"
        assert await pool.unload_idle("pressure") == "new"
        assert await pool.unload_idle("pressure") is None
    await pool.close()


async def test_shrinking_reaches_every_worker() -> None:
    starts = FakeStarts()
    pool = make(starts)
    await use(pool, "a")
    await use(pool, "b")
    for worker in starts.workers:
        worker.caches = 50
    pool.shrink(20)
    assert [worker.caches for worker in starts.workers] == [30, 30]
    await pool.close()


async def test_a_waiting_request_that_leaves_takes_its_demand_with_it() -> None:
    starts = FakeStarts()
    pool = make(starts, max_loaded=1)
    async with pool.lease(manifest("a")):
        leaving = asyncio.ensure_future(use(pool, "b"))
        await moment()
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        assert [model.name for model in pool.loaded()] == ["a"]
    await moment()
    assert [worker.name for worker in starts.workers] == ["a"]
    await pool.close()


async def test_closing_fails_those_who_still_wait() -> None:
    pool = make(FakeStarts(), max_loaded=1)
    async with pool.lease(manifest("a")):
        waiting = asyncio.ensure_future(use(pool, "b"))
        await moment()
        await pool.close()
        with pytest.raises(WorkerDied):
            await waiting


async def test_nothing_is_lost_when_hundreds_of_requests_come_go_and_leave_at_random() -> None:
    starts = FakeStarts()
    pool = make(starts, memory=100, turn=Duration(0.01), keep_alive=Duration(0.02))
    rng = random.Random(4)
    served = 0

    async def one(name: str, size: int) -> None:
        nonlocal served
        async with pool.lease(manifest(name, size=size)) as worker:
            assert worker.alive
            await asyncio.sleep(rng.random() * 0.01)
        served += 1

    tasks = []
    for _ in range(300):
        name = rng.choice("abcdef")
        tasks.append(asyncio.ensure_future(one(name, 20 + 10 * "abcdef".index(name))))
        if rng.random() < 0.2:
            tasks.pop(rng.randrange(len(tasks))).cancel()
        await asyncio.sleep(rng.random() * 0.004)
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=False), 30)
    assert served >= len(tasks)
    assert all(model.running == 0 and model.waiting == 0 for model in pool.loaded())
    await pool.close()
    assert not any(worker.alive for worker in starts.workers)


async def test_workers_share_the_cores_while_they_compute() -> None:
    starts = FakeStarts()
    pool = make(starts)
    await use(pool, "a")
    await use(pool, "b")
    a, b = starts.workers

    async def ask(worker: FakeWorker) -> None:
        async for _ in worker.generate(GenerateRequest(prompt=TextPrompt("x"))):
            pass

    for worker in (a, b):
        worker.hold()
    asked = [asyncio.ensure_future(ask(worker)) for worker in (a, b, b)]
    await moment()
    assert (a.shares, b.shares) == ([1, 2], [2])
    a.go.set()
    await asked[0]
    assert b.shares == [2, 1]
    b.go.set()
    await asyncio.gather(*asked)
    await pool.close()
