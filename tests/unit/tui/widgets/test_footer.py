from __future__ import annotations

from textual.app import App, ComposeResult
from textual.binding import Binding

from llmd.tui.widgets.footer import KeyLine


class Shown(App[None]):
    BINDINGS = [Binding("x", "cancel", "Cancel request")]  # noqa: RUF012  as Textual has it
    cancelled = False

    def compose(self) -> ComposeResult:
        yield KeyLine()

    def action_cancel(self) -> None:
        self.cancelled = True


async def test_keys_are_buttons_in_one_line() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert app.query_one(KeyLine).size.height == 1
        await pilot.click(KeyLine, offset=(3, 0))
        await pilot.pause()
        assert app.cancelled
