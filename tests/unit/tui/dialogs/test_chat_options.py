from __future__ import annotations

from textual.app import App
from textual.widgets import Input, Select, Static, TextArea

from llmd.tui.chat.wishes import Wishes
from llmd.tui.dialogs.chat_options import ChatOptions, Options

FULL = Options(
    "eyes",
    "Be kind.",
    Wishes(temperature=0.5, max_tokens=10, enable_thinking=False, context_overflow="shift"),
)


async def test_options_come_back_as_they_were() -> None:
    app: App[None] = App()
    answers: list[Options | None] = []
    async with app.run_test() as pilot:
        for options in (FULL, Options("", "", Wishes())):
            await app.push_screen(ChatOptions(["tiny", "eyes"], options), answers.append)
            await pilot.press("ctrl+s")
        assert answers == [FULL, Options("", "", Wishes())]


async def test_what_is_chosen_is_returned_and_mistakes_are_told() -> None:
    app: App[None] = App()
    answers: list[Options | None] = []
    async with app.run_test() as pilot:
        await app.push_screen(ChatOptions(["tiny", "eyes"], FULL), answers.append)
        screen = app.screen
        screen.query_one("#temperature", Input).focus()
        await pilot.pause()
        assert "0 to 5" in str(screen.query_one("#about", Static).content)
        screen.query_one("#temperature", Input).value = "hot"
        await pilot.press("ctrl+s")
        assert "a number from 0 to 5" in str(screen.query_one("#fault", Static).content)
        screen.query_one("#temperature", Input).value = ""
        screen.query_one("#model", Select).value = "tiny"
        screen.query_one("#thinking", Select).value = "on"
        screen.query_one("#overflow", Select).clear()
        screen.query_one("#system", TextArea).text = "Be\nterse.\n"
        await pilot.press("ctrl+s")
        assert answers == [
            Options("tiny", "Be\nterse.", Wishes(max_tokens=10, enable_thinking=True))
        ]
