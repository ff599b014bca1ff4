from __future__ import annotations

from textual.app import App
from textual.widgets import Static

from llmd.tui.dialogs.ask_text import AskText


async def test_it_ends_with_what_was_typed() -> None:
    app: App[None] = App()
    answers: list[str | None] = []
    async with app.run_test() as pilot:
        await app.push_screen(AskText("Title", "Old"), answers.append)
        await pilot.press("!", "enter")
        await app.push_screen(AskText("Title"), answers.append)
        await pilot.press("enter")
        assert "Type something" in str(app.screen.query_one("#fault", Static).content)
        await pilot.press("escape")
        assert answers == ["Old!", None]
