from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.fakes.snapshots import BUSY, EMPTY
from tests.tui.conftest import SIZES, Picture


@pytest.mark.parametrize("size", SIZES)
def test_the_requests_look_as_they_did(picture: Picture, size: str) -> None:
    assert picture("requests", size, BUSY)


async def details(pilot: Pilot[None]) -> None:
    """Open the card of the last one that was not cached."""
    await pilot.press("down", "down", "down", "d")


def test_the_card_stands_below_where_there_is_little_width(picture: Picture) -> None:
    assert picture("requests", "small", BUSY, details)


def test_no_requests_say_what_to_do(picture: Picture) -> None:
    assert picture("requests", "small", EMPTY)


async def cancel(pilot: Pilot[None]) -> None:
    """Ask for the end of the first one."""
    await pilot.press("x")
    await pilot.pause()


def test_before_a_request_is_cancelled_somebody_is_asked(picture: Picture) -> None:
    assert picture("requests", "small", BUSY, cancel)
