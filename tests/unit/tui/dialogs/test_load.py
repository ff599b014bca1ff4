from __future__ import annotations

import pytest
from textual.widgets import Button, Input, OptionList

from llmd.errors import ModelNotFound
from llmd.tui.dialogs import LoadDialog, LoadOrder
from tests.fakes.control import FakeControl
from tests.fakes.dialogs import Host
from tests.fakes.shelf import plan, settle, text

TOO_LARGE = plan(
    fits=False,
    problem="It needs more than there is.",
    remedies=[
        {
            "text": "A context of 1024 would fit.",
            "options": {"context_length": 1024, "kv_type": "q8_0"},
        }
    ],
)


def planning(answer: object) -> FakeControl:
    control = FakeControl()
    control.answers["POST /control/plan"] = answer
    return control


async def test_it_plans_at_once_and_enter_loads() -> None:
    control = planning(plan())
    app = Host(LoadDialog("llmd-tiny", {}), control)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "1.5 GB of 6.0 GB free" in text(pilot)
        await pilot.press("enter")
        assert app.ended == [LoadOrder("llmd-tiny", {})]
    assert control.asked("POST /control/plan") == [{"model": "llmd-tiny", "options": {}}]


async def test_what_is_typed_is_planned_anew_and_loaded_so() -> None:
    control = planning(plan())
    app = Host(LoadDialog("llmd-tiny", {"kv_type": "q8_0", "pinned": True}), control)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"4k")
        await settle(pilot)
        options = {"context_length": 4096, "kv_type": "q8_0"}
        assert control.asked("POST /control/plan")[-1]["options"] == options
        await pilot.press("enter")
        assert app.ended == [LoadOrder("llmd-tiny", {**options, "pinned": True})]


async def test_what_does_not_fit_cannot_be_loaded_and_a_remedy_fills_the_form() -> None:
    control = planning(TOO_LARGE)
    app = Host(LoadDialog("llmd-tiny", {}), control)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "It needs more than there is." in text(pilot)
        assert app.dialog.query_one("#accept", Button).disabled
        await pilot.press("enter")
        assert app.ended == []
        control.answers["POST /control/plan"] = plan()
        app.dialog.query_one(OptionList).focus()
        await pilot.press("down", "enter")
        await settle(pilot)
        assert app.dialog.query_one("#context_length", Input).value == "1024"
        assert control.asked("POST /control/plan")[-1]["options"] == {
            "context_length": 1024,
            "kv_type": "q8_0",
        }
        assert not app.dialog.query_one("#accept", Button).disabled


async def test_a_wrong_field_is_told_and_not_planned() -> None:
    control = planning(plan())
    app = Host(LoadDialog("llmd-tiny", {}), control)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(*"many")
        await settle(pilot)
        assert "no whole number" in app.fault
        assert len(control.asked("POST /control/plan")) == 1


async def test_a_refused_plan_is_told() -> None:
    app = Host(LoadDialog("gone", {}), planning(ModelNotFound("There is no gone.")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.fault == "There is no gone."


async def test_what_is_not_here_is_planned_and_not_loaded() -> None:
    app = Host(LoadDialog("qwen3-4b", {}, load=False), planning(plan()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert not app.dialog.query_one("#accept").display
        await pilot.press("enter")
        assert app.ended == []


async def test_a_plan_that_comes_after_the_end_does_no_harm() -> None:
    dialog = LoadDialog("llmd-tiny", {})
    app = Host(dialog, planning(plan()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert dialog.gone
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LoadDialog, "client", app.client)
            await dialog._plan({}, 0.0)
        assert dialog._planned == {}
