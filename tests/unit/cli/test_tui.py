from __future__ import annotations

from collections.abc import Callable

import pytest

from llmd.config.paths import Paths
from llmd.errors import DaemonUnreachable
from tests.unit.cli.conftest import Llmd


class Opened:
    """Stands for the application."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def __call__(self, paths: Paths, *, page: str) -> Opened:
        del paths
        self.pages.append(page)
        return self

    def run(self) -> None:
        """It ends at once."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    opened = Opened()
    monkeypatch.setattr("llmd.tui.app.LlmdApp", opened)
    return opened


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make all three streams claim to be a terminal."""

    class Terminal:
        def isatty(self) -> bool:
            return True

    def pretend() -> None:
        monkeypatch.setattr("llmd.cli.tui._streams", lambda: [Terminal()] * 3)

    return pretend


def test_without_a_terminal_it_says_what_works_instead(llmd: Llmd, opened: Opened) -> None:
    for command in ("tui", "top"):
        result = llmd(command)
        assert result.code == 1
        assert result.err.startswith("Error: This needs a terminal. `llmd ps`")
    assert opened.pages == []


def test_pages_are_chosen_by_name_and_top_is_the_dashboard(
    llmd: Llmd, opened: Opened, pretend: Callable[[], None]
) -> None:
    pretend()
    for arguments in (["tui"], ["tui", "chat"], ["top"]):
        assert llmd(*arguments).code == 0
    assert opened.pages == ["dashboard", "chat", "dashboard"]
    assert llmd("tui", "nowhere").code == 2


def test_a_daemon_that_cannot_be_started_is_said_before_anything_is_drawn(
    llmd: Llmd, opened: Opened, pretend: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend()
    monkeypatch.delenv("LLMD_NO_AUTOSTART")

    def ensure(paths: Paths) -> None:
        raise DaemonUnreachable("The daemon could not start.")

    monkeypatch.setattr("llmd.client.autostart.ensure", ensure)
    assert llmd("tui").code == 3
    assert opened.pages == []
    assert llmd("tui", "--no-start").code == 0


def test_its_pages_are_those_of_the_application() -> None:
    from llmd.cli.tui import PageName
    from llmd.tui.app import PAGES

    assert [str(page) for page in PageName] == [page.TAB for page in PAGES]
