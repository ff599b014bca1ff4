from __future__ import annotations

from pathlib import Path

from textual.app import App, ComposeResult

from llmd.tui.chat.lines import Lines
from llmd.tui.widgets.composer import Composer


class Desk(App[None]):
    """A composer, and what it sent."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.lines = Lines(home / "history")
        self.sent: list[str] = []
        self.emptied = 0

    def compose(self) -> ComposeResult:
        yield Composer(self.lines, lambda text: "del" if text == "/mo" else "", id="composer")

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    def on_composer_sent(self, event: Composer.Sent) -> None:
        self.sent.append(event.text)
        self.composer.sent(event.text)

    def on_composer_emptied(self) -> None:
        self.emptied += 1


async def test_enter_sends_and_other_keys_begin_new_lines(tmp_path: Path) -> None:
    app = Desk(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("enter", "a", "ctrl+j", "b", "shift+enter", "c", "\\", "enter", "d")
        assert app.composer.text == "a\nb\nc\nd"
        await pilot.press("enter")
        assert app.sent == ["a\nb\nc\nd"]
        assert app.composer.text == ""


async def test_up_and_down_go_through_what_was_typed(tmp_path: Path) -> None:
    app = Desk(tmp_path)
    app.lines.add("one")
    app.lines.add("two\nlines")
    async with app.run_test() as pilot:
        await pilot.press("x", "up")
        assert app.composer.text == "two\nlines"
        await pilot.press("up")  # to the first line
        await pilot.press("up")
        assert app.composer.text == "one"
        await pilot.press("down", "down", "down")
        assert app.composer.text == "x"


async def test_tab_completes_or_goes_on(tmp_path: Path) -> None:
    app = Desk(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press(*"/mo")
        assert app.composer.suggestion == "del"
        await pilot.press("tab")
        assert app.composer.text == "/model"
        await pilot.press("tab")
        assert app.composer.text == "/model"


async def test_deleting_nothing_is_told(tmp_path: Path) -> None:
    app = Desk(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("a", "backspace")
        assert app.emptied == 0
        await pilot.press("backspace")
        assert app.emptied == 1


async def test_the_keys_of_pages_are_left_to_the_application(tmp_path: Path) -> None:
    app = Desk(tmp_path)
    async with app.run_test():
        assert "f6" not in app.composer._bindings.key_to_bindings
