from __future__ import annotations

from textual.widgets import Checkbox, Input, Select

from llmd.protocol.accounts import User
from llmd.tui.dialogs import KeyDialog
from tests.fakes.dialogs import Host


async def test_a_name_alone_makes_a_key_that_may_the_usual() -> None:
    app = Host(KeyDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"laptop", "enter")
        (order,) = app.ended
        assert (order["name"], order["user"], order["expires_in"]) == ("laptop", "", None)
        assert order["scopes"] == ["generate", "models:read", "sessions"]
        assert set(order["limits"].values()) == {None}


async def test_user_scopes_expiry_and_limits_are_taken() -> None:
    app = Host(KeyDialog([User(id="u1", name="anna", created_at=0.0)]))
    async with app.run_test(size=(80, 24)) as pilot:
        app.dialog.query_one("#user", Select).value = "anna"
        app.dialog.query_one("#expires", Input).value = "30d"
        app.dialog.query_one("#scope-ADMIN", Checkbox).value = True
        app.dialog.query_one("#tokens_per_day", Input).value = "1000"
        await pilot.press("enter")
        (order,) = app.ended
        assert (order["user"], order["expires_in"]) == ("anna", 2592000.0)
        assert "admin" in order["scopes"]
        assert order["limits"]["tokens_per_day"] == 1000


async def test_a_wrong_limit_is_told() -> None:
    app = Host(KeyDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        app.dialog.query_one("#concurrent", Input).value = "-1"
        await pilot.press("enter")
        assert app.fault == "-1 at once is no whole number."
        assert app.ended == []
