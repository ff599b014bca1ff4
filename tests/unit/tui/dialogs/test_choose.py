from __future__ import annotations

from llmd.tui.dialogs import Choose
from tests.fakes.dialogs import LEFT, Host

CHOICES = [("chat", "for [chat]"), ("vision", "for pictures"), ("none", "for nothing")]


async def test_the_choice_under_the_cursor_ends_it() -> None:
    app = Host(Choose("Default", CHOICES))
    async with app.run_test() as pilot:
        await pilot.press("j", "j", "k", "enter")
        assert app.ended == ["vision"]


async def test_nothing_is_chosen_when_it_is_left() -> None:
    app = Host(Choose("Default", CHOICES))
    async with app.run_test() as pilot:
        await pilot.press("down", "escape")
        assert app.ended == [LEFT]
