from __future__ import annotations

from pathlib import Path

import pytest

from llmd.tui.screens.dashboard import ModelPanel
from llmd.tui.widgets.panel import Panel
from tests.fakes.interface import listen, offline
from tests.fakes.snapshots import BUSY, EMPTY, loaded, snapshot


async def test_models_come_and_go_with_the_snapshots(tmp_path: Path) -> None:
    app = offline(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        for names in (["a"], ["a", "b"], ["b"], []):
            app.arrived(snapshot([loaded(name) for name in names]))
            await pilot.pause()
            assert [panel.model for panel in app.screen.query(ModelPanel)] == names
            assert app.screen.query_one("#no-models").display is not bool(names)


async def test_work_and_requests_stand_there_only_while_there_are_any(tmp_path: Path) -> None:
    app = offline(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        for shown, wanted in ((BUSY, True), (EMPTY, False)):
            app.arrived(shown)
            await pilot.pause()
            assert app.screen.query_one("#work", Panel).display is wanted
            assert app.screen.query_one("#answers", Panel).display is wanted


async def test_models_that_answer_are_not_unloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    app = offline(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot([loaded(running=3)]))
        await pilot.press("u")
        assert told.notes == ["No idle model is loaded."]
