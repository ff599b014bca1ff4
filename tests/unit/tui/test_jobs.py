from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from llmd.errors import DaemonUnreachable, Draining, ModelNotFound, NoRoom
from llmd.protocol.models import PullProgress
from llmd.protocol.quantization import QuantizeProgress
from llmd.tui.jobs import Job, Jobs, Order, Stage, Work, foreign, taken, words
from tests.fakes.control import FakeControl

PULL = Order(work=Work.PULL, model="qwen3-4b", body={"name": "qwen3-4b"})
PROGRESS = {
    "status": "downloading",
    "name": "qwen3-4b:Q4_K_M",
    "done": 1000,
    "total": 4000,
    "rate": 500.0,
    "remaining": 6.0,
}
MADE = {"model": {"name": "qwen3-4b:Q4_K_M"}}


class Desk:
    """Jobs over a fake daemon, with what they told."""

    def __init__(self) -> None:
        self.control = FakeControl()
        self.changes = 0
        self.ended: list[Job] = []
        self.running: list[asyncio.Task[None]] = []
        self.jobs = Jobs(self.control, self.spawn, self.changed, self.ended.append)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.running.append(asyncio.ensure_future(work))

    def changed(self) -> None:
        self.changes += 1

    async def settled(self) -> Job:
        await asyncio.gather(*self.running)
        return self.jobs.list()[-1]

    async def under_way(self) -> Job:
        while not (self.jobs.list() and self.jobs.list()[-1].status):
            await asyncio.sleep(0)
        return self.jobs.list()[-1]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    for task in desk.running:
        task.cancel()
    await asyncio.gather(*desk.running, return_exceptions=True)


async def test_a_pull_tells_of_each_step_and_of_what_came_of_it(desk: Desk) -> None:
    desk.control.lines["/control/pull"] = [PROGRESS, MADE]
    desk.jobs.begin(PULL)
    job = await desk.settled()
    assert (job.stage, job.made, job.share) == (Stage.DONE, "qwen3-4b:Q4_K_M", 1.0)
    assert desk.control.asked("POST /control/pull") == [{"name": "qwen3-4b"}]
    assert desk.ended == [job]
    assert desk.changes >= 3


async def test_several_go_on_at_once_and_the_same_is_not_begun_twice(desk: Desk) -> None:
    desk.control.lines["/control/pull"] = [PROGRESS, None]
    first = desk.jobs.begin(PULL)
    await desk.under_way()
    assert desk.jobs.begin(PULL).number == first.number
    desk.jobs.begin(Order(work=Work.PULL, model="other", body={"name": "other"}))
    assert [job.live for job in desk.jobs.list()] == [True, True]


async def test_cancelling_leaves_the_stream_and_resuming_asks_again(desk: Desk) -> None:
    desk.control.lines["/control/pull"] = [PROGRESS, None]
    number = desk.jobs.begin(PULL).number
    await desk.under_way()
    desk.jobs.cancel(number)
    job = await desk.settled()
    assert (job.stage, words(job)) == (Stage.STOPPED, "paused")
    assert desk.control.left == ["/control/pull"]
    assert desk.ended == []
    desk.control.lines["/control/pull"] = [PROGRESS, MADE]
    desk.jobs.resume(number)
    assert (await desk.settled()).stage is Stage.DONE
    assert len(desk.jobs.list()) == 1


async def test_a_refusal_is_kept_with_its_reason_until_it_is_dismissed(desk: Desk) -> None:
    desk.control.lines["/control/pull"] = [ModelNotFound("The catalogue has no qwen3-4b.")]
    number = desk.jobs.begin(PULL).number
    job = await desk.settled()
    assert (job.stage, words(job)) == (Stage.FAILED, "The catalogue has no qwen3-4b.")
    assert job.resumable
    desk.jobs.dismiss(number)
    assert desk.jobs.list() == []


@pytest.mark.parametrize("error", [DaemonUnreachable("away"), Draining("stopping")])
async def test_downloads_that_the_daemons_end_broke_go_on_when_it_is_back(
    desk: Desk, error: DaemonUnreachable | Draining
) -> None:
    desk.control.lines["/control/pull"] = [PROGRESS, error]
    desk.jobs.begin(PULL)
    assert (await desk.settled()).stage is Stage.BROKEN
    desk.control.lines["/control/pull"] = [PROGRESS, MADE]
    desk.jobs.recover()
    assert (await desk.settled()).stage is Stage.DONE


async def test_a_stream_that_ends_in_the_middle_is_no_success(desk: Desk) -> None:
    desk.control.lines["/control/pull"] = [PROGRESS]
    desk.jobs.begin(PULL)
    assert (await desk.settled()).stage is Stage.BROKEN


async def test_loads_are_not_begun_again_by_themselves(desk: Desk) -> None:
    desk.control.lines["/control/load"] = [DaemonUnreachable("away")]
    desk.jobs.begin(Order(work=Work.LOAD, model="qwen3-4b", body={}))
    await desk.settled()
    desk.jobs.recover()
    assert desk.jobs.list()[0].stage is Stage.BROKEN


async def test_a_new_try_takes_the_place_of_one_that_failed(desk: Desk) -> None:
    desk.control.lines["/control/load"] = [NoRoom("too large")]
    desk.jobs.begin(Order(work=Work.LOAD, model="qwen3-4b", body={"options": {}}))
    await desk.settled()
    desk.control.lines["/control/load"] = [{"status": "ready", "fraction": 1.0, "model": {}}]
    desk.jobs.begin(Order(work=Work.LOAD, model="qwen3-4b", body={"options": {"parallel": 1}}))
    assert (await desk.settled()).stage is Stage.DONE
    assert len(desk.jobs.list()) == 1


def test_lines_of_loading_tell_a_share() -> None:
    assert taken({"status": "loading", "fraction": 0.25, "model": None}) == {
        "status": "loading",
        "fraction": 0.25,
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (PROGRESS, "downloading, 1.0 kB of 4.0 kB, 500 B/s, 6s left"),
        (
            {"status": "waiting", "note": "It waits for its hours."},
            "waiting, It waits for its hours.",
        ),
        ({"status": "loading", "fraction": 0.5}, "loading 50%"),
        ({}, "asking"),
    ],
)
def test_progress_is_told_in_words(line: dict[str, Any], said: str) -> None:
    assert words(Job(number=1, order=PULL, **taken(line))) == said


def test_what_others_do_is_shown_and_ones_own_is_not_shown_twice() -> None:
    own = Job(number=1, order=PULL, known_as="qwen3-4b:Q4_K_M")
    pulls = [
        PullProgress(status="downloading", name="qwen3-4b:Q4_K_M"),
        PullProgress(status="waiting", name="b"),
    ]
    makings = [QuantizeProgress(status="quantizing", name="c:q4_0", source="c")]
    found = foreign(pulls, makings, [own])
    assert [(job.order.work, job.order.model) for job in found] == [
        (Work.PULL, "b"),
        (Work.QUANTIZE, "c:q4_0"),
    ]
    assert all(job.foreign and job.number < 0 for job in found)
    assert words(found[0]).endswith("for another client")
