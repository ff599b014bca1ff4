from __future__ import annotations

import pytest

from llmd.tui.cells import line
from llmd.tui.dialogs import Confirm
from tests.fakes.dialogs import LEFT, Host


@pytest.mark.parametrize(
    ("key", "ended"), [("y", True), ("n", LEFT), ("escape", LEFT), ("enter", LEFT)]
)
async def test_only_a_plain_yes_destroys(key: str, ended: object) -> None:
    app = Host(Confirm("Delete", "Delete it?", (line("size", "4 GB"),)))
    async with app.run_test() as pilot:
        await pilot.press(key)
        assert app.ended == [ended]
