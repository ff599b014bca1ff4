from __future__ import annotations

import json

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from llmd.telemetry.log_file import Entry, entry
from llmd.tui.log_lines import Choice
from llmd.tui.widgets import log_view
from llmd.tui.widgets.log_view import LogView


def line(number: int, level: str = "info", event: str = "request") -> Entry:
    return entry(json.dumps({"level": level, "logger": "http", "event": event, "n": number}))


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield LogView()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)


def in_sight(pilot: Pilot[None]) -> list[str]:
    view = pilot.app.query_one(LogView)
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


async def test_it_follows_what_comes() -> None:
    app = Shown()
    async with app.run_test(size=(40, 5)) as pilot:
        app.view.add(line(number) for number in range(50))
        await pilot.pause()
        assert in_sight(pilot)[-1].endswith("n=49")
        app.view.add([line(50)])
        await pilot.pause()
        assert in_sight(pilot)[-1].endswith("n=50")


async def test_who_scrolls_up_stays_there_and_follows_again_at_the_end() -> None:
    app = Shown()
    async with app.run_test(size=(40, 5)) as pilot:
        app.view.add(line(number) for number in range(50))
        await pilot.pause()
        app.view.focus()
        await pilot.press("up", "up")
        assert not app.view.follows
        top = in_sight(pilot)[0]
        app.view.add(line(number) for number in range(50, 60))
        await pilot.pause()
        assert in_sight(pilot)[0] == top
        await pilot.press("end")
        await pilot.pause(0.3)
        assert app.view.follows
        assert in_sight(pilot)[-1].endswith("n=59")


async def test_old_entries_make_room_and_what_is_read_stays_in_sight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_view, "_KEPT", 20)
    app = Shown()
    async with app.run_test(size=(40, 5)) as pilot:
        app.view.add(line(number) for number in range(20))
        await pilot.pause()
        app.view.follow(wanted=False)
        app.view.scroll_to(y=10, animate=False, immediate=True)
        app.view.add(line(number) for number in range(20, 25))
        await pilot.pause()
        assert app.view.taken == 20
        assert app.view.text.splitlines()[0].endswith("n=5")
        assert in_sight(pilot)[0].endswith("n=10")


async def test_entries_are_chosen_by_level_and_words() -> None:
    app = Shown()
    async with app.run_test(size=(40, 5)):
        app.view.add([line(1), line(2, "error", "模型"), line(3, "warning")])
        app.view.choose(Choice(level="warning"))
        assert [row[-3:] for row in app.view.text.splitlines()] == ["n=2", "n=3"]
        app.view.choose(Choice(text="模型"))
        assert app.view.text == "error   http: 模型 n=2"


async def test_long_lines_go_on_in_the_next_one_where_that_is_wanted() -> None:
    app = Shown()
    async with app.run_test(size=(30, 6)) as pilot:
        app.view.add([line(1, event="word " * 20)])
        assert app.view.virtual_size.height == 1
        assert app.view.virtual_size.width > 100
        app.view.wrap(wanted=True)
        rows = app.view.virtual_size.height
        assert rows > 3
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert 1 < app.view.virtual_size.height < rows


async def test_what_the_mouse_selects_can_be_copied() -> None:
    app = Shown()
    async with app.run_test(size=(60, 6)) as pilot:
        app.view.add([line(1), line(2)])
        await pilot.pause()
        await pilot.mouse_down(LogView, offset=(8, 0))
        await pilot.hover(LogView, offset=(11, 0))
        await pilot.mouse_up(LogView, offset=(11, 0))
        await pilot.pause()
        assert (app.screen.get_selected_text() or "").startswith("http")
