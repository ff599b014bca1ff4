"""Long work over a made-up service: who begins it, what becomes of it, how long it is remembered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import pytest

from llmd.errors import DownloadFailed, Draining, LlmdError, NotFound, QueueFull
from llmd.protocol.models import PullProgress
from llmd.protocol.placement import LoadOptions
from llmd.services.jobs import Jobs, LoadOrder, Order, PullOrder, Stage, Unfinished
from llmd.services.jobs.orders import Event


class Service:
    """Goes on until the test lets it end."""

    def __init__(self) -> None:
        self.begun: list[Order] = []
        self.left = 0
        self.error: BaseException | None = None
        self.over = asyncio.Event()

    async def __call__(self, order: Order) -> AsyncGenerator[Event]:
        self.begun.append(order)
        try:
            yield PullProgress(status="downloading", name=order.model, done=1, total=4)
            await self.over.wait()
            if self.error:
                raise self.error
        finally:
            self.left += 1


class Desk:
    """Jobs over it."""

    def __init__(self, file: Path) -> None:
        self.service = Service()
        self.now = 1000.0
        self.file = file
        self.jobs = Jobs(self.service, Unfinished(file), str.strip, lambda: self.now)

    async def settled(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    async def began(self, order: Order) -> str:
        job = self.jobs.begin(order)
        await self.settled(lambda: self.jobs.get(job.id).total)
        return job.id

    async def ended(self, identity: str) -> Stage:
        await self.settled(lambda: not self.jobs.get(identity).live)
        return self.jobs.get(identity).stage


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "downloads.json")
    await made.jobs.open()
    yield made
    await made.jobs.close()


PULL = PullOrder(model="acme/m")


async def test_a_job_goes_on_by_itself_and_tells_how_it_stands(desk: Desk) -> None:
    identity = await desk.began(PULL)
    assert desk.jobs.get(identity).share == 0.25
    desk.service.over.set()
    assert await desk.ended(identity) is Stage.DONE
    assert desk.service.left == 1


async def test_two_clicks_are_one_download_however_it_is_spelt(desk: Desk) -> None:
    identity = await desk.began(PULL)
    again = desk.jobs.begin(PullOrder(model=" ACME/m "))
    assert again.id == identity
    assert desk.service.begun == [PULL]


async def test_a_download_under_way_takes_new_wishes(desk: Desk) -> None:
    identity = await desk.began(PULL)
    desk.jobs.begin(PullOrder(model="acme/m", limit=5000))
    desk.jobs.hurry(identity)
    wished = PullOrder(model="acme/m", limit=5000, now=True)
    await desk.settled(lambda: wished in desk.service.begun and desk.service.left == 2)
    assert desk.jobs.get(identity).order == wished
    assert desk.jobs.get(identity).live


async def test_other_options_are_another_job(desk: Desk) -> None:
    one = await desk.began(LoadOrder(model="m"))
    other = await desk.began(LoadOrder(model="m", options=LoadOptions(parallel=2)))
    assert one != other
    assert await desk.began(LoadOrder(model="m")) == one


async def test_what_failed_says_why_and_can_be_tried_again(desk: Desk) -> None:
    desk.service.error = DownloadFailed("The hub is away.", hint="Later.")
    desk.service.over.set()
    identity = await desk.began(PULL)
    assert await desk.ended(identity) is Stage.FAILED
    fault = desk.jobs.get(identity).fault
    assert fault
    assert (fault.code, fault.message, fault.hint) == (
        "download_failed",
        "The hub is away.",
        "Later.",
    )
    desk.service.error = None
    assert desk.jobs.resume(identity).id == identity
    assert await desk.ended(identity) is Stage.DONE


async def test_a_bug_ends_the_job_and_nothing_else(desk: Desk) -> None:
    desk.service.error = RuntimeError("a bug")
    desk.service.over.set()
    identity = await desk.began(PULL)
    assert await desk.ended(identity) is Stage.FAILED
    fault = desk.jobs.get(identity).fault
    assert fault
    assert fault.code == LlmdError.code


async def test_a_stopped_job_has_left_its_service_when_that_is_answered(desk: Desk) -> None:
    identity = await desk.began(PULL)
    await desk.jobs.cancel(identity)
    assert desk.service.left == 1
    assert desk.jobs.get(identity).stage is Stage.STOPPED
    await desk.jobs.cancel(identity)
    assert desk.jobs.resume(identity).live


async def test_beginning_anew_takes_the_place_of_what_ended(desk: Desk) -> None:
    identity = await desk.began(PULL)
    await desk.jobs.cancel(identity)
    again = await desk.began(PULL)
    assert [job.id for job in desk.jobs.list()] == [again]


async def test_ended_jobs_are_forgotten_but_for_what_must_be_known(desk: Desk) -> None:
    desk.service.over.set()
    done = await desk.began(PullOrder(model="done"))
    loaded = await desk.began(LoadOrder(model="loaded"))
    await desk.ended(done)
    await desk.ended(loaded)
    desk.service.over.clear()
    paused = await desk.began(PullOrder(model="paused"))
    await desk.jobs.cancel(paused)
    desk.now += 60
    assert {job.id for job in desk.jobs.list()} == {done, paused}
    desk.now += 600
    assert [job.id for job in desk.jobs.list()] == [paused]
    with pytest.raises(NotFound):
        desk.jobs.get(done)
    desk.jobs.dismiss(paused)
    assert desk.jobs.list() == []


async def test_what_goes_on_cannot_be_dismissed_and_stands_first(desk: Desk) -> None:
    live = await desk.began(PullOrder(model="live"))
    desk.now += 5
    other = await desk.began(PullOrder(model="other"))
    await desk.jobs.cancel(other)
    desk.jobs.dismiss(live)
    assert [job.id for job in desk.jobs.list()] == [live, other]


async def test_there_is_an_end_to_what_may_go_on_and_to_what_is_remembered(desk: Desk) -> None:
    for number in range(32):
        await desk.began(PullOrder(model=f"m{number}"))
    with pytest.raises(QueueFull):
        desk.jobs.begin(PullOrder(model="one more"))
    for job in desk.jobs.list():
        await desk.jobs.cancel(job.id)
    for number in range(40):
        await desk.jobs.cancel(await desk.began(PullOrder(model=f"n{number}")))
    assert len(desk.jobs.list()) == 50


async def test_the_next_daemon_offers_what_this_one_did_not_finish(desk: Desk) -> None:
    await desk.began(PULL)
    await desk.began(LoadOrder(model="m"))
    await desk.jobs.close()
    assert {job.stage for job in desk.jobs.list()} == {Stage.LEFT}
    with pytest.raises(Draining):
        desk.jobs.begin(PullOrder(model="late"))
    later = Desk(desk.file)
    await later.jobs.open()
    found = later.jobs.list()
    assert [(job.order, job.stage) for job in found] == [(PULL, Stage.LEFT)]
    later.service.over.set()
    later.jobs.resume(found[0].id)
    assert await later.ended(found[0].id) is Stage.DONE
    await later.jobs.close()
    assert not desk.file.exists()


async def test_a_dismissed_download_is_not_offered_again(desk: Desk) -> None:
    identity = await desk.began(PULL)
    await desk.jobs.cancel(identity)
    await desk.settled(desk.file.exists)
    assert [order["model"] for order in json.loads(desk.file.read_bytes())] == ["acme/m"]
    desk.jobs.dismiss(identity)
    await desk.jobs.close()
    assert not desk.file.exists()
