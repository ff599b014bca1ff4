from __future__ import annotations

from textual.app import App, ComposeResult

from llmd.errors import DaemonUnreachable
from llmd.tui.widgets.banner import Banner, words

DOWN = DaemonUnreachable("The daemon is not running.", hint="Start it with `llmd start`.")


def test_at_first_it_only_reconnects_then_says_what_to_do() -> None:
    assert words(DOWN, 1) == "The daemon went away: reconnecting ..."
    assert words(DOWN, 3) == (
        "The daemon is not running. Press s to start it; reconnecting meanwhile."
    )
    assert words(DOWN, 3, starting=True) == "Starting the daemon ..."


class Shown(App[None]):
    started = 0

    def compose(self) -> ComposeResult:
        yield Banner()

    def action_start_daemon(self) -> None:
        self.started += 1


async def test_it_is_there_only_in_trouble_and_can_be_clicked() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        banner = app.query_one(Banner)
        assert not banner.display
        banner.show(DOWN, 3)
        await pilot.pause()
        assert banner.display
        assert banner.size.height == 2  # nothing is cut off
        await pilot.click(Banner)
        assert app.started == 1
        banner.show(None, 0)
        assert not banner.display
