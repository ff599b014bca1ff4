from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmd.tui.app import LlmdApp
from llmd.tui.widgets.log_view import LogView
from tests.fakes.interface import listen, offline


@pytest.fixture
def app(tmp_path: Path) -> LlmdApp:
    return offline(tmp_path, page="logs")


def write(app: LlmdApp, *events: str) -> None:
    file = app.paths.log_file
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as log:
        for event in events:
            level = "error" if event == "bug" else "info"
            log.write(json.dumps({"level": level, "logger": "x", "event": event}) + "\n")


def state(app: LlmdApp) -> str:
    return str(app.screen.query_one("#log-state").render())


def text(app: LlmdApp) -> str:
    return app.screen.query_one(LogView).text


async def test_no_log_is_said_and_one_that_comes_is_read(app: LlmdApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Nothing was logged yet" in state(app)
        write(app, "first", "second")
        await pilot.pause(0.7)
        assert text(app).splitlines() == ["info    x: first", "info    x: second"]
        assert state(app) == "following · all levels · times in UTC"


async def test_nothing_is_read_while_another_page_is_shown(app: LlmdApp) -> None:
    write(app, "first")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1")
        write(app, "second")
        await pilot.pause(0.7)
        await pilot.press("f5")
        await pilot.pause()
        assert text(app).endswith("second")


async def test_levels_words_wrapping_and_pause_are_keys_that_say_so(app: LlmdApp) -> None:
    write(app, "first", "bug", "last")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v", "v", "v", "w", "space")
        await pilot.pause()
        assert text(app) == "error   x: bug"
        assert state(app) == "paused · level error · wrapped · times in UTC"
        await pilot.press("v", "slash", *"la", "enter")
        await pilot.pause()
        assert text(app) == "info    x: last"
        assert "filter 'la'" in state(app)
        await pilot.press("escape", "p")
        await pilot.pause()
        assert len(text(app).splitlines()) == 3
        assert state(app).startswith("following")


async def test_what_is_shown_is_copied(app: LlmdApp, monkeypatch: pytest.MonkeyPatch) -> None:
    told = listen(monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("y")
        assert told.notes == ["There is nothing to copy."]
        write(app, "first", "模型")
        await pilot.pause(0.7)
        await pilot.press("y")
        assert app.clipboard == "info    x: first\ninfo    x: 模型"
        assert told.notes[-1] == "Copied 2 lines."
