from __future__ import annotations

from llmd.tui.dialogs import SecretDialog
from tests.fakes.dialogs import LEFT, Host
from tests.fakes.shelf import text

SECRET = "llmd-0123456789abcdefghijklmnopqrstuvwxyz0123456789"


async def test_the_secret_is_shown_whole_and_can_be_copied() -> None:
    app = Host(SecretDialog("The key", SECRET))
    async with app.run_test(size=(80, 24)) as pilot:
        assert SECRET in text(pilot)
        await pilot.press("c")
        assert app.clipboard == SECRET
        assert app.ended == []


async def test_escape_does_not_lose_it_and_enter_puts_it_away() -> None:
    app = Host(SecretDialog("The key", SECRET))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        assert app.ended == []
        await pilot.press("enter")
        assert app.ended == [LEFT]
