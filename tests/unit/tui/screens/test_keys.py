from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from textual.widgets import Input

from llmd.errors import NameTaken
from llmd.tui.dialogs import Confirm, KeyDialog, SecretDialog, UserDialog
from llmd.tui.screens.keys import KeysPage
from tests.fakes.control import FakeControl
from tests.fakes.shelf import settle, shown, text
from tests.fakes.snapshots import EMPTY, NOW

KEY: dict[str, Any] = {
    "id": "k1",
    "prefix": "llmd-abc",
    "name": "laptop",
    "user": "u1",
    "scopes": ["generate", "sessions"],
    "enabled": True,
    "created_at": 0.0,
    "expires_at": NOW + 86400,
    "last_used": NOW - 120,
}
USER: dict[str, Any] = {
    "id": "u1",
    "name": "anna",
    "role": "admin",
    "enabled": True,
    "created_at": 0.0,
}


def desk(*, keys: bool = True, users: bool = True) -> FakeControl:
    control = FakeControl()
    control.answers["GET /control/keys"] = {"keys": [{"key": KEY, "user": "anna"}] if keys else []}
    control.answers["GET /control/users"] = {"users": [USER] if users else []}
    return control


async def test_keys_and_accounts_are_listed_and_the_mode_is_explained(tmp_path: Path) -> None:
    async with shown("keys", desk(), tmp_path, EMPTY) as (app, pilot):
        seen = text(pilot)
        assert "Mode open" in seen
        assert "llmd-abc" in seen
        assert "2m00 ago" in seen
        assert "in 1d" in seen
        assert "anna" in seen
        status = msgspec.structs.replace(EMPTY.status, security="users")
        app.arrived(msgspec.structs.replace(EMPTY, status=status))
        await settle(pilot)
        assert "Mode users" in text(pilot)


async def test_without_any_the_page_says_how_to_begin(tmp_path: Path) -> None:
    async with shown("keys", desk(keys=False, users=False), tmp_path, EMPTY) as (app, pilot):
        assert "No keys yet" in text(pilot)
        assert "No accounts yet" in text(pilot)
        await pilot.press("e", "x", "p")
        assert isinstance(app.screen, KeysPage)


async def test_a_new_key_shows_its_secret_once(tmp_path: Path) -> None:
    control = desk()
    control.answers["POST /control/keys"] = {"key": KEY, "secret": "llmd-abc-secret"}
    async with shown("keys", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("a")
        await settle(pilot)
        assert isinstance(app.screen, KeyDialog)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, SecretDialog)
        assert "llmd-abc-secret" in text(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "llmd-abc-secret" not in text(pilot)
        assert len(control.asked("GET /control/keys")) > 1


async def test_a_key_is_disabled_and_removed(tmp_path: Path) -> None:
    control = desk()
    control.answers["POST /control/keys/k1"] = KEY
    control.answers["DELETE /control/keys/k1"] = {"removed": "llmd-abc"}
    async with shown("keys", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("e")
        await settle(pilot)
        assert control.asked("POST /control/keys/k1") == [{"enabled": False}]
        await pilot.press("x")
        await settle(pilot)
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        await settle(pilot)
        assert control.asked("DELETE /control/keys/k1") == [None]


async def test_the_same_keys_work_on_accounts(tmp_path: Path) -> None:
    control = desk()
    control.answers["POST /control/users/anna"] = USER
    control.answers["DELETE /control/users/anna"] = {"removed": "anna"}
    async with shown("keys", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("tab")
        await pilot.press("e")
        await settle(pilot)
        assert control.asked("POST /control/users/anna") == [{"enabled": False}]
        await pilot.press("p")
        await settle(pilot)
        assert isinstance(app.screen, UserDialog)
        for field in app.screen.query(Input):
            field.value = "another one"
        await pilot.press("enter")
        await settle(pilot)
        assert control.asked("POST /control/users/anna")[-1] == {"password": "another one"}
        await pilot.press("x")
        await settle(pilot)
        assert "1, removed too" in text(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert control.asked("DELETE /control/users/anna") == [None]


async def test_a_refused_account_is_told(tmp_path: Path) -> None:
    control = desk()
    control.answers["POST /control/users"] = NameTaken("There is an anna already.")
    async with shown("keys", control, tmp_path, EMPTY) as (app, pilot):
        await pilot.press("w")
        await settle(pilot)
        for field in app.screen.query(Input):
            field.value = "annaanna"
        await pilot.press("enter")
        await settle(pilot)
        assert control.asked("POST /control/users")[0]["role"] == "user"
        assert any("There is an anna already." in note.message for note in app._notifications)
