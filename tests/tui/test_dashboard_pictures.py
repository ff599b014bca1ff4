from __future__ import annotations

import pytest
from textual.pilot import Pilot

from llmd.errors import DaemonUnreachable
from llmd.protocol.feed import Snapshot
from llmd.tui.app import LlmdApp
from tests.fakes.snapshots import BUSY, EMPTY, loaded, snapshot
from tests.tui.conftest import SIZES, Picture

TWO = snapshot([loaded(), loaded("bge-m3", kind="embedding", device="CPU", running=0)])


async def lose(pilot: Pilot[None]) -> None:
    """Let the daemon go away."""
    assert isinstance(pilot.app, LlmdApp)
    pilot.app.lost(DaemonUnreachable("The daemon is not running."), 3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shown", [BUSY, EMPTY, TWO], ids=["busy", "empty", "two"])
def test_the_dashboard_looks_as_it_did(picture: Picture, size: str, shown: Snapshot) -> None:
    assert picture("dashboard", size, shown)


def test_the_banner_stands_above_what_was_known(picture: Picture) -> None:
    assert picture("dashboard", "small", BUSY, lose)


async def light(pilot: Pilot[None]) -> None:
    """Choose a light theme."""
    pilot.app.theme = "textual-light"


def test_a_light_theme_can_be_read(picture: Picture) -> None:
    assert picture("dashboard", "small", BUSY, light)
