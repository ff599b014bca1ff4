from __future__ import annotations

import msgspec
import pytest
from textual.app import App, ComposeResult

from llmd.errors import DaemonUnreachable, LlmdError
from llmd.protocol.feed import Snapshot
from llmd.tui.widgets.top_line import Tab, TopLine, standing
from tests.fakes.snapshots import snapshot

LEAVING = snapshot(status=msgspec.structs.replace(snapshot().status, state="draining"))


@pytest.mark.parametrize(
    ("shown", "trouble", "words"),
    [
        (snapshot(), None, "● up 2h05"),
        (None, None, "○ connecting"),
        (LEAVING, None, "● stopping"),
        (snapshot(), DaemonUnreachable("Down."), "● no daemon"),
    ],
)
def test_the_state_is_told_in_few_words(
    shown: Snapshot | None, trouble: LlmdError | None, words: str
) -> None:
    assert standing(shown, trouble).plain == words


class Shown(App[None]):
    went = ""

    def compose(self) -> ComposeResult:
        yield TopLine()

    def action_show_page(self, name: str) -> None:
        self.went = name


async def test_tabs_can_be_clicked_and_the_current_one_stands_out() -> None:
    app = Shown()
    async with app.run_test(size=(60, 5)) as pilot:
        line = app.query_one(TopLine)
        for _ in range(2):  # the second time changes nothing
            line.show(("dashboard", "models"), "models", None, None)
            await pilot.pause()
        tabs = [*line.query(Tab)]
        assert [tab.render().plain for tab in tabs] == ["1 Dashboard", "2 Models"]  # type: ignore[union-attr]
        assert [tab.has_class("-current") for tab in tabs] == [False, True]
        await pilot.click(tabs[0])
        assert app.went == "dashboard"
