from __future__ import annotations

from pathlib import Path

import pytest

from llmd.client import autostart
from llmd.errors import DaemonUnreachable
from llmd.tui import choices
from llmd.tui.app import PAGES, LlmdApp
from llmd.tui.page import Page
from llmd.tui.widgets.banner import Banner
from tests.fakes.interface import listen, offline
from tests.fakes.snapshots import snapshot

DOWN = DaemonUnreachable("The daemon is not running.")


@pytest.fixture
def app(tmp_path: Path) -> LlmdApp:
    return offline(tmp_path)


async def test_each_page_has_a_digit_and_a_function_key(app: LlmdApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.page, PAGES[0])
        for number, page in enumerate(PAGES, 1):
            await pilot.press(f"f{number}")
            await pilot.pause()
            assert isinstance(app.page, page)
        await pilot.press("f4")
        await pilot.press("1")
        await pilot.pause()
        assert isinstance(app.page, PAGES[0])


async def test_it_begins_where_it_was_told_to(tmp_path: Path) -> None:
    app = offline(tmp_path, page="requests")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.page
        assert app.page.TAB == "requests"


async def test_a_page_that_comes_up_shows_what_came_before(app: LlmdApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot())
        await pilot.press("f4")
        await pilot.pause()
        assert "3 under way" in str(app.screen.query_one("#request-count").render())


async def test_the_banner_comes_and_goes_and_a_return_is_told(
    app: LlmdApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot())
        await pilot.pause()
        banner = app.screen.query_one(Banner)
        assert not banner.display
        app.lost(DOWN, 1)
        await pilot.pause()
        assert banner.display
        assert app.screen.has_class("-stale")
        assert told.notes == []
        app.arrived(snapshot())
        await pilot.pause()
        assert not banner.display
        assert told.notes == ["The daemon is back."]


async def test_the_daemon_can_be_started_only_while_it_is_away(
    app: LlmdApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, started = listen(monkeypatch), []

    def ensure(paths: object) -> bool:
        started.append(paths)
        raise DaemonUnreachable("The daemon could not start.", hint="`llmd doctor` may help.")

    monkeypatch.setattr(autostart, "ensure", ensure)
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot())
        await pilot.press("s")
        assert started == []
        app.lost(DOWN, 3)
        await pilot.pause()
        await pilot.press("s")
        await app.workers.wait_for_complete()
        assert started == [app.paths]
        assert told.errors == ["The daemon could not start. `llmd doctor` may help."]
        assert not app.starting


async def test_a_theme_that_was_chosen_is_there_again(app: LlmdApp, tmp_path: Path) -> None:
    async with app.run_test() as pilot:
        assert app.theme == "textual-dark"
        app.theme = "nord"
        await pilot.pause()
    assert choices.read(app.paths.choices_file).theme == "nord"
    async with offline(tmp_path).run_test() as pilot:
        assert pilot.app.theme == "nord"


async def test_a_theme_that_is_gone_is_no_trouble(app: LlmdApp, tmp_path: Path) -> None:
    choices.write(app.paths.choices_file, choices.Choices(theme="gone"))
    async with offline(tmp_path).run_test() as pilot:
        assert pilot.app.theme == "textual-dark"


async def test_the_palette_has_every_key_of_the_page_and_runs_it(app: LlmdApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot())
        await pilot.press("f4")
        await pilot.pause()
        offered = [*app.get_system_commands(app.screen)]
        commands = {one.title: one for one in offered}
        assert len(commands) == len(offered)
        wanted = {"Cancel request", "Filter", "Go to chat", "Stop the daemon", "Restart the daemon"}
        assert wanted <= set(commands)
        assert "Start the daemon" not in commands
        app.call_later(commands["Filter"].callback)
        await pilot.pause()
        assert app.screen.query_one("#request-filter").display
        app.call_later(commands["Go to chat"].callback)
        await pilot.pause()
        assert app.page
        assert app.page.TAB == "chat"


async def test_the_page_opens_in_a_browser_or_the_way_there_is_told(
    app: LlmdApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, opened = listen(monkeypatch), []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    monkeypatch.setattr("llmd.client.browser.has_screen", lambda _: True)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open_page()
        assert opened == [], "nothing is known of the daemon yet"
        app.arrived(snapshot())
        await pilot.pause()
        (command,) = (one for one in app.get_system_commands(app.screen) if "browser" in one.title)
        await command.callback()
        assert opened == ["http://127.0.0.1:8000/"]
        assert told.notes == ["http://127.0.0.1:8000/ opens in a browser."]
        monkeypatch.setattr("llmd.client.browser.has_screen", lambda _: False)
        await app.open_page()
        assert len(opened) == 1
        assert "ssh -N -L 8000:127.0.0.1:8000 " in told.notes[1]


async def test_keys_can_be_shown_at_the_side(app: LlmdApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        for shown in (True, False):
            await pilot.press("f12")
            await pilot.pause()
            assert bool(app.screen.query("HelpPanel")) is shown


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_lives_at_every_size_with_and_without_a_daemon(
    tmp_path: Path, page: type[Page]
) -> None:
    app = offline(tmp_path, page=page.TAB)
    async with app.run_test(size=(200, 60)) as pilot:
        for size in ((80, 24), (20, 5), (120, 30)):
            await pilot.resize_terminal(*size)
            app.arrived(snapshot())
            await pilot.pause()
            app.lost(DOWN, 3)
            await pilot.pause()
        assert isinstance(app.page, page)
