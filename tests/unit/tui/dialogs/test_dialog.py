from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from llmd.errors import InvalidRequest
from llmd.tui.dialogs.dialog import Dialog
from tests.fakes.dialogs import LEFT, Host


class Number(Dialog[int]):
    def body(self) -> ComposeResult:
        yield Input(id="number", compact=True)

    def answer(self) -> int:
        text = self.query_one(Input).value
        if not text.isdecimal():
            raise InvalidRequest(f"{text!r} is no number.", hint="Give one.")
        return int(text)


async def test_enter_ends_it_with_the_answer() -> None:
    app = Host(Number("A number [x]"))
    async with app.run_test() as pilot:
        await pilot.press("4", "2", "enter")
        assert app.ended == [42]


async def test_a_wrong_answer_says_so_and_the_dialog_stays() -> None:
    app = Host(Number("A number"))
    async with app.run_test() as pilot:
        await pilot.press("x", "enter")
        assert app.ended == []
        assert app.fault == "'x' is no number. Give one."
        await pilot.press("backspace", "7")
        await pilot.click("#accept")
        assert app.ended == [7]


async def test_escape_and_the_button_leave_without_an_answer() -> None:
    for leave in ("escape", "button"):
        app = Host(Number("A number"))
        async with app.run_test() as pilot:
            await pilot.press("4")
            await (pilot.press("escape") if leave == "escape" else pilot.click("#leave"))
            assert app.ended == [LEFT]


async def test_it_fits_the_smallest_terminal() -> None:
    app = Host(Number("A number"))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        frame = app.dialog.query_one("#frame").region
        assert (frame.right <= 40, frame.bottom <= 10, frame.x >= 0, frame.y >= 0) == (True,) * 4
