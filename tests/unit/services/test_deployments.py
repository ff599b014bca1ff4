from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from llmd.errors import (
    DownloadFailed,
    Draining,
    InvalidRequest,
    LlmdError,
    ModelBusy,
    ModelNotFound,
    ModelNotLoaded,
    NotFound,
    QueueFull,
    StorageFailed,
    WorkerDied,
)
from llmd.protocol.callers import Caller
from llmd.protocol.deployments import Deployment, DeploymentOptions, DeploymentOrder
from llmd.protocol.events import Event
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.services.deployments import Deployments
from llmd.storage.deployments import DeploymentRepository
from tests.fakes.sites import Site
from tests.unit.services.conftest import Bench

CALLER = Caller(user="u-1")


class Place:
    """A bench with a site to pull from; `again` is the next daemon on the same database."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.site = Site(bench.store, folder)
        self.site.offers = {"qwen3-8b:Q8_0": 7, "qwen3-4b:Q8_0": 7}
        bench.services.variants._pulls = self.site  # type: ignore[assignment]
        self.jobs = bench.deployments
        self.made = [self.jobs]

    def again(self, home: str = "here") -> Deployments:
        old = self.jobs
        made = Deployments(
            DeploymentRepository(self.bench.database, home),
            old._carrier,
            old._machine,
            old._library,
            old._residents,
            old._catalogue,
        )
        self.made.append(made)
        return made

    async def ended(self, identity: str, jobs: Deployments | None = None) -> Deployment:
        found = await self.until(identity, lambda one: one.status != "in_progress", jobs)
        await asyncio.gather(*[job.task for job in (jobs or self.jobs)._jobs.values() if job.task])
        return found

    async def until(
        self, identity: str, holds: Callable[[Deployment], bool], jobs: Deployments | None = None
    ) -> Deployment:
        async with asyncio.timeout(20):
            while not holds(found := await (jobs or self.jobs).get(identity)):
                await asyncio.sleep(0.01)
        return found


@pytest.fixture
async def place(bench: Bench, tmp_path: Path) -> Place:
    return Place(bench, tmp_path)


def order(size: str = "8b", **options: object) -> DeploymentOrder:
    return DeploymentOrder(
        model_type="qwen3",
        model_size=size,
        quantization="int8",
        deployment_config=DeploymentOptions(**options),  # type: ignore[arg-type]
    )


def downloading(deployment: Deployment) -> bool:
    return deployment.stages[1].progress == 50


async def test_a_deployment_runs_by_itself_and_is_kept(place: Place) -> None:
    begun = await place.jobs.deploy(CALLER, order(max_batch_size=3))
    assert begun.status == "in_progress"
    assert begun.model_id == "qwen3-8b:Q8_0"
    assert begun.user == "u-1"
    assert begun.nodes == ["here"]
    done = await place.ended(begun.id)
    assert (done.status, done.progress) == ("completed", 100)
    assert place.jobs._jobs == {}
    assert await place.jobs.get(begun.id) == done
    [loaded] = place.bench.pool.loaded()
    assert loaded.name == "qwen3-8b:Q8_0"
    assert loaded.options.parallel == 3
    assert loaded.keep_alive is None


async def test_an_equal_order_joins_and_another_one_is_refused(place: Place) -> None:
    place.site.hold.clear()
    first, second = await asyncio.gather(
        place.jobs.deploy(CALLER, order()), place.jobs.deploy(Caller(), order())
    )
    assert first.id == second.id
    await place.until(first.id, downloading)
    joined = await place.jobs.deploy(CALLER, order())
    assert joined.id == first.id
    assert downloading(joined)
    with pytest.raises(ModelBusy, match="other options"):
        await place.jobs.deploy(CALLER, order(max_batch_size=2))
    place.site.hold.set()
    await place.ended(first.id)
    assert place.site.asked == ["qwen3-8b:Q8_0"]
    again = await place.jobs.deploy(CALLER, order())
    assert again.id != first.id
    assert (await place.ended(again.id)).status == "completed"
    assert place.site.asked == ["qwen3-8b:Q8_0"]


async def test_what_cannot_be_had_is_refused_at_once(place: Place) -> None:
    with pytest.raises(ModelNotFound):
        await place.jobs.deploy(CALLER, order("99b"))
    with pytest.raises(InvalidRequest):
        await place.jobs.deploy(CALLER, order(tensor_parallel_size=2))
    assert await place.jobs.list() == []


async def test_a_failure_is_told_by_its_status(place: Place) -> None:
    place.site.offers, place.site.error = {}, DownloadFailed("No route.", hint="Plug it in.")
    begun = await place.jobs.deploy(CALLER, order())
    failed = await place.ended(begun.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert (failed.error.code, failed.error.hint) == ("download_failed", "Plug it in.")
    assert failed.stages[1].status == "failed"


async def test_a_bug_is_a_failure_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(place.jobs._carrier, "carry", broken)
    begun = await place.jobs.deploy(CALLER, order())
    failed = await place.until(begun.id, lambda one: one.status == "failed")
    assert failed.error is not None
    assert failed.error.code == LlmdError.code


async def test_the_next_daemon_goes_on(place: Place) -> None:
    place.site.hold.clear()
    begun = await place.jobs.deploy(CALLER, order())
    await place.until(begun.id, downloading)
    await place.jobs.close()
    assert place.site.left == ["qwen3-8b:Q8_0"]
    kept = await place.jobs._repository.get(begun.id)
    assert kept.status == "in_progress"
    assert "it goes on with this when it is back" in kept.logs[-1].message
    place.site.hold.set()
    jobs = place.again()
    jobs.resume()
    done = await place.ended(begun.id, jobs)
    assert done.status == "completed"
    assert any("started again" in line.message for line in done.logs)
    assert [str(stage.status) for stage in done.stages] == ["completed"] * 5
    await jobs.close()


async def test_what_was_kept_is_enough_after_a_kill(place: Place) -> None:
    place.site.hold.clear()
    begun = await place.jobs.deploy(CALLER, order())
    await place.until(begun.id, downloading)
    # nothing of the first one is asked any more: what it wrote is all there is
    kept = await place.jobs._repository.unfinished()
    assert [one.id for one in kept] == [begun.id]
    assert kept[0].current_stage == "downloading_weights"
    stranger = place.again("elsewhere")
    stranger.resume()
    await asyncio.gather(*stranger._others)
    assert stranger._jobs == {}
    assert (await stranger.get(begun.id)).status == "in_progress"
    place.site.hold.set()
    await place.ended(begun.id)


async def test_a_resumed_order_that_cannot_be_had_any_more_fails(place: Place) -> None:
    place.site.hold.clear()
    begun = await place.jobs.deploy(CALLER, order())
    await place.until(begun.id, downloading)
    await place.jobs.close()
    jobs = place.again()
    jobs._catalogue = type(jobs._catalogue)()
    jobs._catalogue.find = lambda name: None  # type: ignore[method-assign]
    jobs.resume()
    await asyncio.gather(*jobs._others)
    failed = await jobs.get(begun.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "model_not_found"


async def test_unloading_a_model_that_is_deployed_cancels_it(place: Place) -> None:
    place.site.hold.clear()
    begun = await place.jobs.deploy(CALLER, order())
    await place.until(begun.id, downloading)
    removal = await place.jobs.unload("QWEN3-8B:Q8_0")
    assert (removal.model_id, removal.status, removal.nodes) == (
        "qwen3-8b:Q8_0",
        "cancelled",
        ["here"],
    )
    assert place.site.left == ["qwen3-8b:Q8_0"]
    assert (await place.jobs.get(begun.id)).status == "cancelled"
    assert place.jobs._jobs == {}


async def loading(place: Place) -> Deployment:
    """Deploy a model that does not come up until the gate is opened."""
    place.bench.starts.gate.clear()
    begun = await place.jobs.deploy(CALLER, order(max_batch_size=3))
    return await place.until(begun.id, lambda _: place.bench.pool.loading)


async def test_a_deployment_that_is_cancelled_while_it_loads_leaves_nothing(place: Place) -> None:
    begun = await loading(place)
    assert (await place.jobs.unload(begun.model_id)).status == "cancelled"
    assert (await place.jobs.get(begun.id)).status == "cancelled"
    assert place.bench.pool.loaded() == []
    assert place.bench.pool.ordered() == []
    assert place.bench.starts.workers == []


@pytest.mark.parametrize("force", [False, True])
async def test_a_cancelled_deployment_takes_the_model_from_others_only_by_force(
    place: Place, *, force: bool
) -> None:
    begun = await loading(place)

    async def use() -> None:
        async with place.bench.pool.lease(place.bench.store.get(begun.model_id)):
            pass

    using = asyncio.ensure_future(use())
    async with asyncio.timeout(20):
        while place.bench.pool.loaded()[0].waiting < 2:
            await asyncio.sleep(0.01)
    await place.jobs.unload(begun.model_id, force=force)
    place.bench.starts.gate.set()
    [outcome] = await asyncio.gather(using, return_exceptions=True)
    assert isinstance(outcome, WorkerDied) == force
    assert (place.bench.pool.loaded() == []) == force


async def test_a_model_that_loads_for_others_is_not_unloaded_unless_forced(place: Place) -> None:
    place.bench.starts.gate.clear()
    coming = place.bench.services.residents.load("llmd-tiny")
    await anext(coming)
    async with asyncio.timeout(20):
        while not place.bench.pool.loading:
            await asyncio.sleep(0.01)
    with pytest.raises(ModelBusy, match="is being loaded"):
        await place.jobs.unload("llmd-tiny")
    assert place.bench.pool.loading
    assert (await place.jobs.unload("llmd-tiny", force=True)).status == "unloading"
    await asyncio.gather(*place.jobs._others)
    assert place.bench.pool.loaded() == []
    await coming.aclose()


async def test_the_options_of_a_deployed_model_that_made_room_are_taken_back(place: Place) -> None:
    done = await place.ended((await place.jobs.deploy(CALLER, order(max_batch_size=3))).id)
    await place.bench.pool.unload_idle("room")
    assert place.bench.pool.ordered() == [done.model_id]
    assert (await place.jobs.unload(done.model_id)).status == "unloading"
    assert place.bench.pool.ordered() == []


async def test_a_deployed_model_can_be_unloaded(place: Place) -> None:
    await place.ended((await place.jobs.deploy(CALLER, order())).id)
    removal = await place.jobs.unload("qwen3-8b")
    assert (removal.model_id, removal.status) == ("qwen3-8b:Q8_0", "unloading")
    await asyncio.gather(*place.jobs._others)
    assert place.bench.pool.loaded() == []
    with pytest.raises(ModelNotLoaded):
        await place.jobs.unload("qwen3-8b")
    with pytest.raises(ModelNotFound):
        await place.jobs.unload("../../etc/passwd")


async def test_a_model_that_answers_is_not_unloaded_unless_forced(place: Place) -> None:
    place.bench.starts.held = True
    services = place.bench.services
    model = services.generation.resolve("llmd-tiny")
    request = GenerateRequest(prompt=TextPrompt("a b"))
    events = services.generation.stream(model, [request])

    async def read() -> list[tuple[int, Event]]:
        return [event async for event in events]

    reading = asyncio.ensure_future(read())
    async with asyncio.timeout(20):
        while not any(one.running for one in place.bench.pool.loaded()):
            await asyncio.sleep(0.01)
    with pytest.raises(ModelBusy):
        await place.jobs.unload("llmd-tiny")
    assert (await place.jobs.unload("llmd-tiny", force=True)).status == "unloading"
    await asyncio.gather(*place.jobs._others)
    with pytest.raises(LlmdError):
        await reading


async def test_of_two_variants_the_loaded_one_is_meant(place: Place) -> None:
    place.site.offers["qwen3-8b:Q4_0"] = 2
    await place.ended((await place.jobs.deploy(CALLER, order())).id)
    async for _ in place.bench.services.variants.ensure("qwen3-8b", "q4_0"):
        pass
    assert (await place.jobs.unload("qwen3-8b")).model_id == "qwen3-8b:Q8_0"


async def test_deployments_are_listed_newest_first_and_live(place: Place) -> None:
    first = await place.jobs.deploy(CALLER, order())
    await place.ended(first.id)
    place.site.hold.clear()
    second = await place.jobs.deploy(CALLER, order("4b"))
    await place.until(second.id, downloading)
    listed = await place.jobs.list()
    assert [one.id for one in listed] == [second.id, first.id]
    assert downloading(listed[0])
    assert [one.id for one in await place.jobs.list(1, 1)] == [first.id]


async def test_no_more_than_so_many_are_taken(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.services.deployments._MOST", 1)
    place.site.hold.clear()
    await place.jobs.deploy(CALLER, order())
    with pytest.raises(QueueFull):
        await place.jobs.deploy(CALLER, order("4b"))


async def test_a_closing_daemon_begins_nothing(place: Place) -> None:
    await place.jobs.close()
    with pytest.raises(Draining):
        await place.jobs.deploy(CALLER, order())


async def test_nothing_begins_that_cannot_be_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Deployment) -> None:
        raise StorageFailed("The disk is full.")

    monkeypatch.setattr(place.jobs._repository, "put", full)
    with pytest.raises(StorageFailed):
        await place.jobs.deploy(CALLER, order())
    assert place.site.asked == []


async def test_an_end_that_cannot_be_kept_is_told_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.site.hold.clear()
    begun = await place.jobs.deploy(CALLER, order())
    await place.until(begun.id, downloading)

    async def full(_: Deployment) -> None:
        raise StorageFailed("The disk is full.")

    monkeypatch.setattr(place.jobs._repository, "put", full)
    place.site.hold.set()
    failed = await place.until(begun.id, lambda one: one.status == "failed")
    assert failed.error is not None
    assert failed.error.code == "storage_failed"
    monkeypatch.undo()
    again = await place.jobs.deploy(CALLER, order())
    assert again.id != begun.id


@pytest.mark.parametrize("identity", ["deploy-000000000000", "../x", "'; --", "\0", "\ud800", ""])
async def test_an_unknown_deployment_is_not_found(place: Place, identity: str) -> None:
    with pytest.raises(NotFound):
        await place.jobs.get(identity)


async def test_a_job_is_no_part_of_the_request_that_ordered_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, object]] = []

    async def look(*_: object) -> None:
        seen.append(get_contextvars())

    monkeypatch.setattr(place.jobs._carrier, "carry", look)
    with bound_contextvars(request="r-1"):
        begun = await place.jobs.deploy(CALLER, order())
    await place.ended(begun.id)
    assert seen == [{}]
