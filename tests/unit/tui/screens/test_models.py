from __future__ import annotations

from pathlib import Path

import msgspec
from textual.widgets import Input

from llmd.errors import DaemonUnreachable
from llmd.protocol.catalog import Offers
from llmd.protocol.models import PullProgress
from llmd.tui.screens.models import ModelsPage
from llmd.tui.widgets.details import Details
from llmd.tui.widgets.job_list import JobLine
from tests.fakes.control import FakeControl
from tests.fakes.shelf import ended, loaded, settle, shown, stocked, text
from tests.fakes.snapshots import EMPTY, snapshot


def names(page: ModelsPage) -> list[str]:
    return [item.name for item in page._items.values()]


async def test_what_is_here_stands_before_what_could_be_with_facts_beside_it(
    tmp_path: Path,
) -> None:
    async with shown("models", stocked(), tmp_path, EMPTY, (140, 40)) as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        assert names(page)[0] == "llmd-tiny"
        seen = text(pilot)
        assert "default" in seen
        assert "1.5 GB of 6.0 GB free" in seen
        await pilot.press("down")
        await settle(pilot)
        assert "A good first model for a laptop" in text(pilot)


async def test_the_list_has_the_focus_again_when_it_comes_late(tmp_path: Path) -> None:
    async with shown("models", stocked(), tmp_path, EMPTY) as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        table = page.query_one("#models")
        assert table.has_focus
        there, page._models = page._models, []
        offers, page._offers = page._offers, Offers(models=[])
        page.draw()
        await pilot.pause()
        assert not table.display
        assert app.focused is not table
        page._models, page._offers = there, offers
        page.draw()
        await pilot.pause()
        assert table.has_focus


async def test_what_comes_to_a_page_that_is_going_is_not_drawn(tmp_path: Path) -> None:
    async with shown("models", stocked(), tmp_path, EMPTY) as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        await page.query("*").remove()
        page._models = []
        page.action_reload()
        page._jobs_changed()
        page.run_worker(page._describe(next(iter(page._items.values()))))
        await settle(pilot)
        assert page._models, "it was read all the same"
        assert app.is_running


async def test_words_narrow_the_list_and_escape_shows_it_whole_again(tmp_path: Path) -> None:
    async with shown("models", stocked(), tmp_path, EMPTY) as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        await pilot.press("slash", *"pict", "enter")
        assert names(page) == ["gemma4-e4b"]
        assert page.item
        assert page.item.name == "gemma4-e4b"
        await pilot.press("escape")
        await pilot.pause()
        assert len(names(page)) == 5
        page.query_one("#search", Input).value = "nothing-like-it"
        await pilot.pause()
        assert "Nothing has these words." in text(pilot)


async def test_kinds_and_sizes_are_narrowed_by_a_key(tmp_path: Path) -> None:
    async with shown("models", stocked(), tmp_path, EMPTY) as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        await pilot.press("f")
        assert "llama3.3-70b" not in names(page)
        await pilot.press("k")
        assert names(page) == ["llmd-tiny"]
        assert "k here  f what fits" in text(pilot)
        await pilot.click("#sort")
        assert "k chat  f what fits" in text(pilot)


async def test_loading_shows_at_once_and_the_footer_offers_what_can_be_done(tmp_path: Path) -> None:
    async with shown("models", stocked(), tmp_path, EMPTY, (120, 30)) as (app, pilot):
        assert "u Unload" not in text(pilot)
        app.arrived(snapshot([loaded(pinned=True)]))
        await settle(pilot)
        assert "pinned" in text(pilot)
        assert "u Unload" in text(pilot)


async def test_the_lists_are_read_again_when_a_download_of_another_client_ends(
    tmp_path: Path,
) -> None:
    control = stocked()
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        pull = PullProgress(status="downloading", name="other", done=1, total=2)
        app.arrived(msgspec.structs.replace(EMPTY, downloads=[pull]))
        await settle(pilot)
        assert "for another client" in text(pilot)
        before = len(control.asked("GET /control/models"))
        app.arrived(EMPTY)
        await settle(pilot)
        assert len(control.asked("GET /control/models")) == before + 1
        assert not app.page.query(JobLine)


async def test_snapshots_that_change_nothing_ask_for_nothing(tmp_path: Path) -> None:
    control = stocked()
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        before = len(control.calls)
        for _ in range(5):
            app.arrived(EMPTY)
            await settle(pilot)
        assert len(control.calls) == before


async def test_a_daemon_that_went_away_leaves_what_is_known_on_the_screen(tmp_path: Path) -> None:
    async with shown("models", stocked(), tmp_path, snapshot([loaded()])) as (app, pilot):
        app.lost(DaemonUnreachable("The daemon is not running."), 1)
        await settle(pilot)
        seen = text(pilot)
        assert "qwen3-4b" in seen
        assert "reconnecting" in seen


async def test_downloads_go_on_when_another_daemon_has_come(tmp_path: Path) -> None:
    control = stocked()
    control.lines["/control/pull"] = [DaemonUnreachable("It went away.")]
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        await pilot.press("down", "enter")
        await settle(pilot)
        await pilot.press("enter")
        await ended(pilot)
        assert "the daemon went away" in text(pilot)
        control.lines["/control/pull"] = [{"status": "downloading", "done": 1, "total": 2}, None]
        status = msgspec.structs.replace(EMPTY.status, pid=2)
        app.arrived(msgspec.structs.replace(EMPTY, status=status))
        await settle(pilot)
        assert len(control.asked("POST /control/pull")) == 2
        assert page.jobs.list()[0].live


async def test_a_list_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    async with shown("models", FakeControl(), tmp_path, EMPTY) as (app, _):
        assert any("no answer for GET" in note.message for note in app._notifications)
        assert app.page.query_one("#details", Details)
