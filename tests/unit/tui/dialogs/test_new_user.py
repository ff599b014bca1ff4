from __future__ import annotations

from textual.widgets import Checkbox, Input

from llmd.tui.dialogs import UserDialog
from tests.fakes.dialogs import Host
from tests.fakes.shelf import text


async def test_an_account_needs_a_name_and_the_same_password_twice() -> None:
    app = Host(UserDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        assert len(app.dialog.query(Input)) == 3
        await pilot.press("enter")
        assert app.fault == "Give a password."
        app.dialog.query_one("#password", Input).value = "correct horse"
        await pilot.press("enter")
        assert app.fault == "The two passwords differ."
        app.dialog.query_one("#again", Input).value = "correct horse"
        await pilot.press("enter")
        assert app.fault == "Give a name."
        app.dialog.query_one("#name", Input).value = "张伟"
        app.dialog.query_one("#admin", Checkbox).value = True
        await pilot.press("enter")
        assert app.ended == [{"name": "张伟", "password": "correct horse", "role": "admin"}]


async def test_another_password_is_all_that_is_asked_of_an_account_that_is_there() -> None:
    app = Host(UserDialog("anna"))
    async with app.run_test(size=(80, 24)) as pilot:
        for field in app.dialog.query(Input):
            field.value = "new secret"
        await pilot.pause()
        assert "new secret" not in text(pilot)
        await pilot.press("enter")
        assert app.ended == [{"password": "new secret"}]
