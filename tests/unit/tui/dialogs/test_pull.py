from __future__ import annotations

from textual.widgets import Input

from llmd.tui.dialogs import PullDialog, PullOrder
from tests.fakes.dialogs import Host
from tests.fakes.shelf import offer


async def test_it_begins_at_the_usual_size_of_an_entry() -> None:
    app = Host(PullDialog("qwen3-4b", offer()))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("enter")
        assert app.ended == [PullOrder("qwen3-4b")]


async def test_another_size_is_taken_with_the_arrows() -> None:
    app = Host(PullDialog("qwen3-4b", offer()))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("down")
        await pilot.pause()
        assert app.dialog.query_one("#name", Input).value == "qwen3-4b:Q8_0"
        await pilot.press("enter")
        assert app.ended == [PullOrder("qwen3-4b:Q8_0")]


async def test_any_name_can_be_typed_with_a_rate_and_without_the_hours() -> None:
    app = Host(PullDialog())
    async with app.run_test() as pilot:
        app.dialog.query_one("#name", Input).value = "ollama://tiny"
        app.dialog.query_one("#limit", Input).value = "5MB/s"
        await pilot.press("tab", "tab", "space", "shift+tab", "enter")
        assert app.ended == [PullOrder("ollama://tiny", 5_000_000, now=True)]


async def test_a_name_is_needed_and_a_rate_is_a_size() -> None:
    app = Host(PullDialog())
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert app.fault == "Give a name."
        await pilot.press("x", "tab", *"fast", "enter")
        assert app.fault.startswith("At most: ")
        assert app.ended == []
