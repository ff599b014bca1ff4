from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmd.errors import InvalidRequest, ModelBusy
from llmd.protocol.feed import Snapshot
from llmd.tui.dialogs import Choose, Confirm, LoadDialog, PullDialog, QuantizeDialog
from llmd.tui.screens.model_actions import consequences, purposes
from llmd.tui.stock import items
from tests.fakes.shelf import ended, loaded, manifest, offer, settle, shown, stocked, text
from tests.fakes.snapshots import EMPTY, snapshot

READY: dict[str, Any] = {"status": "ready", "fraction": 1.0, "model": {}}
LOADED: Snapshot = snapshot([loaded()])


async def test_enter_on_what_is_here_plans_and_loads_it(tmp_path: Path) -> None:
    control = stocked()
    control.lines["/control/load"] = [{"status": "loading", "fraction": 0.5, "model": None}, READY]
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, LoadDialog)
        await pilot.press(*"1k", "enter")
        await ended(pilot)
        order = {"model": "llmd-tiny", "options": {"context_length": 1024}}
        assert control.asked("POST /control/load") == [order]
        assert any(note.message == "llmd-tiny is ready." for note in app._notifications)


async def test_enter_on_an_entry_pulls_it_and_c_leaves_the_download(tmp_path: Path) -> None:
    control = stocked()
    control.lines["/control/pull"] = [
        {"status": "downloading", "name": "qwen3-4b:Q4_K_M", "done": 1, "total": 2},
        None,
    ]
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("down", "enter")
        await settle(pilot)
        assert isinstance(app.screen, PullDialog)
        await pilot.press("enter")
        await settle(pilot)
        assert control.asked("POST /control/pull") == [
            {"name": "qwen3-4b", "limit": None, "now": False}
        ]
        assert "50%" in text(pilot)
        assert "c Cancel" in text(pilot)
        await pilot.press("c")
        await ended(pilot)
        assert "paused" in text(pilot)
        assert control.left == ["/control/pull"]


async def test_several_downloads_by_any_name_go_on_at_once(tmp_path: Path) -> None:
    control = stocked()
    control.lines["/control/pull"] = [{"status": "downloading", "done": 1, "total": 4}, None]
    async with shown("models", control, tmp_path, EMPTY) as (_, pilot):
        for name in ("a/b", "c/d"):
            await pilot.press("g")
            await settle(pilot)
            await pilot.press(*name, "enter")
            await settle(pilot)
        assert [body["name"] for body in control.asked("POST /control/pull")] == ["a/b", "c/d"]
        assert text(pilot).count("25%") + text(pilot).count("1 B of 4 B") >= 2


async def test_pinning_and_its_end_keep_the_other_options(tmp_path: Path) -> None:
    control = stocked()
    control.lines["/control/load"] = [READY]
    async with shown("models", control, tmp_path, LOADED) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        app.arrived(snapshot([loaded(pinned=True)]))
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert [body["options"] for body in control.asked("POST /control/load")] == [
            {"pinned": True},
            {"pinned": False},
        ]


async def test_a_model_that_answers_is_unloaded_only_after_a_question(tmp_path: Path) -> None:
    control = stocked()
    control.answers["POST /control/unload"] = ModelBusy("llmd-tiny is answering 2 requests.")
    async with shown("models", control, tmp_path, LOADED) as (app, pilot):
        await pilot.press("u")
        await settle(pilot)
        assert isinstance(app.screen, Confirm)
        control.answers["POST /control/unload"] = {"unloaded": ["llmd-tiny"]}
        await pilot.press("y")
        await settle(pilot)
        assert control.asked("POST /control/unload") == [
            {"model": "llmd-tiny"},
            {"model": "llmd-tiny", "force": True},
        ]


async def test_a_default_is_chosen_by_purpose(tmp_path: Path) -> None:
    control = stocked()
    control.answers["POST /control/defaults"] = {
        "purpose": "chat",
        "model": "llmd-tiny",
        "chosen": True,
    }
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("d")
        await settle(pilot)
        assert isinstance(app.screen, Choose)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("d", "down", "down", "enter")
        await settle(pilot)
        assert control.asked("POST /control/defaults") == [
            {"purpose": "chat", "model": "llmd-tiny"},
            {"purpose": "chat", "model": None},
        ]


async def test_a_variant_is_made_beside_the_page(tmp_path: Path) -> None:
    control = stocked()
    card = {"name": "Q4_K_M", "bits": 4.8, "purpose": "usual", "size": 3_000_000}
    control.answers["GET /control/quantizations?model=llmd-tiny"] = {"types": [card]}
    control.lines["/control/quantize"] = [
        {"status": "quantizing", "name": "llmd-tiny:Q4_K_M", "done": 1, "total": 2},
        {"model": {"name": "llmd-tiny:Q4_K_M"}},
    ]
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("z")
        await settle(pilot)
        assert isinstance(app.screen, QuantizeDialog)
        await pilot.press("enter")
        await ended(pilot)
        assert control.asked("POST /control/quantize") == [
            {"model": "llmd-tiny", "recipe": {"type": "Q4_K_M"}, "name": None}
        ]
        assert any(note.message == "llmd-tiny:Q4_K_M is ready." for note in app._notifications)


async def test_deleting_says_what_goes_and_needs_a_yes(tmp_path: Path) -> None:
    control = stocked()
    control.answers["DELETE /control/models/llmd-tiny"] = InvalidRequest("It is built in.")
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("x")
        await settle(pilot)
        assert "its file stays where it is" in text(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert control.asked("DELETE /control/models/llmd-tiny") == []
        await pilot.press("x", "y")
        await settle(pilot)
        assert any("It is built in." in note.message for note in app._notifications)


async def test_what_is_not_here_can_be_planned_only(tmp_path: Path) -> None:
    control = stocked()
    async with shown("models", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("down", "z", "x", "d", "u", "n", "l")
        await settle(pilot)
        assert isinstance(app.screen, LoadDialog)
        assert "Plan qwen3-4b" in text(pilot)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"kind": "chat"}, ["chat", "embedding"]),
        ({"kind": "chat", "vision": True}, ["chat", "vision", "embedding"]),
        ({"kind": "embedding"}, ["embedding"]),
        ({"kind": "rerank"}, ["rerank"]),
    ],
)
def test_purposes_are_those_a_model_can_have(fields: dict[str, Any], found: list[str]) -> None:
    model = msgspec.convert({**msgspec.to_builtins(manifest()), **fields}, type(manifest()))
    (item,) = items([model], [])
    keys = [key for key, _ in purposes(item)]
    assert keys == [*found, *(f"{purpose}/newest" for purpose in found)]


def test_what_a_deletion_costs_depends_on_who_fetched_the_file() -> None:
    fetched, given = items([manifest("a", owned=True), manifest("b")], [], [loaded("a")])
    told = [
        " ".join(cell.text for line in consequences(item) for cell in line.value)
        for item in (fetched, given)
    ]
    assert "its file is deleted" in told[0]
    assert "it is unloaded" in told[0]
    assert "its file stays" in told[1]
    assert consequences(items([], [offer()])[0]) == ()
