from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tests.fakes.control import FakeControl
from tests.fakes.shelf import application, settle
from tests.fakes.snapshots import EMPTY, NOW
from tests.tui.conftest import SIZES

KEYS = [
    {"key": {"id": "1", "prefix": "llmd-Ab12Cd34", "name": "laptop", "user": "u", "scopes": ["generate", "sessions"], "enabled": True, "created_at": 0.0, "expires_at": NOW + 86400 * 30, "last_used": NOW - 90}, "user": "anna"},
    {"key": {"id": "2", "prefix": "llmd-Zz98Yy76", "name": "持续集成", "scopes": ["admin"], "enabled": False, "created_at": 0.0, "limits": {"requests_per_minute": 60}}, "user": ""},
    {"key": {"id": "3", "prefix": "llmd-Mm55Nn44", "name": "old", "scopes": ["generate"], "enabled": True, "created_at": 0.0, "expires_at": NOW - 1}, "user": ""},
]  # fmt: skip
USERS = [
    {
        "id": "u",
        "name": "anna",
        "role": "admin",
        "enabled": True,
        "created_at": 0.0,
        "last_login": NOW - 7200,
    }
]

Picture = Callable[..., bool]


@pytest.fixture
def picture(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """Return a function that compares the page, after some keys, with its stored picture."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def compare(size: str, mode: str, keys: tuple[str, ...] = (), *, empty: bool = False) -> bool:
        control = FakeControl()
        control.answers["GET /control/keys"] = {"keys": [] if empty else KEYS}
        control.answers["GET /control/users"] = {"users": [] if empty else USERS}
        app = application("keys", control, tmp_path)
        status = msgspec.structs.replace(EMPTY.status, security=mode)

        async def before(pilot: Pilot[None]) -> None:
            while not (app.page and app.page.TAB == "keys" and app.page.query("KeyLine")):
                await pilot.pause()
            app.arrived(msgspec.structs.replace(EMPTY, status=status))
            await settle(pilot)
            for key in keys:
                await pilot.press(key)
                await settle(pilot)

        return bool(snap_compare(app, terminal_size=SIZES[size], run_before=before))

    return compare


@pytest.mark.parametrize("size", SIZES)
def test_keys_and_accounts_look_as_they_did(picture: Picture, size: str) -> None:
    assert picture(size, "users")


def test_no_keys_in_the_open_mode_are_explained(picture: Picture) -> None:
    assert picture("small", "open", empty=True)


def test_the_form_of_a_key_fits_the_smallest_terminal(picture: Picture) -> None:
    assert picture("small", "keys", ("a",))
