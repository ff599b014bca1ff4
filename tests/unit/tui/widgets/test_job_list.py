from __future__ import annotations

import asyncio

from textual.app import App, ComposeResult
from textual.widgets import Static

from llmd.errors import NoRoom
from llmd.tui.jobs import Job, Order, Stage, Work
from llmd.tui.widgets.job_list import JobLine, JobList


def job(number: int = 1, **fields: object) -> Job:
    return Job(number=number, order=Order(work=Work.PULL, model="qwen3-4b", body={}), **fields)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        yield JobList()

    def on_job_line_turned(self, event: JobLine.Turned) -> None:
        self.heard.append(("turned", event.job.number))

    def on_job_line_dismissed(self, event: JobLine.Dismissed) -> None:
        self.heard.append(("dismissed", event.job.number))

    def said(self) -> list[str]:
        return [f"{static.content}" for static in self.query(Static)]


async def test_each_job_has_a_line_that_follows_it_and_goes_with_it() -> None:
    app = Host()
    async with app.run_test(size=(80, 10)) as pilot:
        jobs = app.query_one(JobList)
        assert not jobs.display
        jobs.fill([job(status="downloading", done=1, total=2), job(2)])
        await pilot.pause()
        assert jobs.display
        assert app.said() == [
            "↓ qwen3-4b  ━━━━━━━━────────  downloading, 1 B of 2 B",
            "cancel",
            "↓ qwen3-4b  ────────────────  asking",
            "cancel",
        ]
        jobs.fill([job(2, stage=Stage.FAILED, error=NoRoom("The disk is full."))])
        await pilot.pause()
        assert app.said() == ["↓ qwen3-4b  The disk is full.", "resume"]
        jobs.fill([])
        await pilot.pause()
        assert not jobs.display


async def test_a_line_can_be_taken_away_while_it_is_laid_out() -> None:
    app = Host()
    async with app.run_test(size=(80, 10)) as pilot:
        jobs = app.query_one(JobList)
        for turn in range(20):
            jobs.fill([job(turn)])
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            jobs.fill([])
        line = JobLine(job(99))
        line.on_mount()
        await pilot.pause()
        assert not app.query(JobLine)


async def test_keys_and_clicks_on_a_line_turn_or_clear_it() -> None:
    app = Host()
    async with app.run_test(size=(80, 10)) as pilot:
        app.query_one(JobList).fill([job(1), job(2, stage=Stage.DONE), job(3, stage=Stage.STOPPED)])
        await pilot.pause()
        lines = list(app.query(JobLine))
        lines[0].focus()
        await pilot.press("c", "x")
        lines[1].focus()
        await pilot.press("enter")
        await pilot.click(lines[2].query_one(".button"))
        await pilot.pause()
        assert app.heard == [("turned", 1), ("dismissed", 1), ("dismissed", 2), ("turned", 3)]


async def test_what_other_clients_do_cannot_be_turned() -> None:
    app = Host()
    async with app.run_test(size=(80, 10)) as pilot:
        app.query_one(JobList).fill([job(-1, foreign=True, status="downloading")])
        await pilot.pause()
        app.query_one(JobLine).focus()
        await pilot.press("c", "x")
        assert app.heard == []
        assert app.said()[1] == ""
