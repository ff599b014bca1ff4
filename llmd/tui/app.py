"""The application: pages by key, the line to the daemon, themes, the command palette."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from llmd.client import address, autostart, browser
from llmd.client.connection import listening
from llmd.config.paths import Paths
from llmd.errors import LlmdError
from llmd.protocol.feed import Snapshot
from llmd.tui import choices
from llmd.tui.interface import Interface
from llmd.tui.link import Link
from llmd.tui.page import Page
from llmd.tui.screens.chat import ChatPage
from llmd.tui.screens.dashboard import DashboardPage
from llmd.tui.screens.keys import KeysPage
from llmd.tui.screens.logs import LogsPage
from llmd.tui.screens.models import ModelsPage
from llmd.tui.screens.requests import RequestsPage

PAGES: tuple[type[Page], ...] = (
    DashboardPage,
    ModelsPage,
    ChatPage,
    RequestsPage,
    LogsPage,
    KeysPage,
)
_THEME = "textual-dark"
_POLL = 0.1


def _tabs() -> list[BindingType]:
    """Return the keys of the pages: digits, and function keys where digits are typed as text."""
    return [
        Binding(
            f"{number},f{number}",
            f"show_page('{page.TAB}')",
            f"Go to {page.TAB}",
            show=False,
            id=f"app.{page.TAB}",
        )
        for number, page in enumerate(PAGES, 1)
    ]


class LlmdApp(Interface):
    """llmd in a terminal; `follow` False leaves the line to the daemon to a test."""

    TITLE = "llmd"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {page.TAB: page for page in PAGES}
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  Textual types it as no ClassVar
        (0, "-narrow"),
        (100, "-normal"),
        (150, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  as above
        (0, "-low"),
        (32, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        *_tabs(),
        Binding("s,ctrl+s", "start_daemon", "Start the daemon", id="app.start"),
        Binding("question_mark,f12", "toggle_help", "Help", key_display="?", id="app.help"),
        Binding("q", "quit", "Quit", show=False, id="app.quit_short"),
    ]

    def __init__(self, paths: Paths, *, page: str = "dashboard", follow: bool = True) -> None:
        """`page` is the tab to begin with."""
        # each begins with its own page: to make another one first takes as long as all the rest
        self.DEFAULT_MODE = page  # type: ignore[misc]  # Textual reads it from the instance
        super().__init__(paths, tuple(page.TAB for page in PAGES))
        self.link = Link(self.client, self.arrived, self.lost)
        self._follow = follow
        self._choices = choices.read(paths.choices_file)

    def on_mount(self) -> None:
        """Begin."""
        chosen = self._choices.theme
        self.theme = chosen if chosen in self.available_themes else _THEME
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        if self._follow:
            self.run_worker(self.link.run(), group="link", exclusive=True)

    async def on_unmount(self) -> None:
        """End."""
        await self.client.close()

    @property
    def page(self) -> Page | None:
        """The page that is shown, perhaps under a dialog."""
        return next((screen for screen in self.screen_stack if isinstance(screen, Page)), None)

    def arrived(self, snapshot: Snapshot) -> None:
        """Take a snapshot and show it."""
        changed = self.trouble is not None or self.snapshot is None
        if self.trouble and self.snapshot:
            self.notify("The daemon is back.")
        self.snapshot, self.trouble, self.attempt, self.starting = snapshot, None, 0, False
        self._refresh(changed=changed)

    def lost(self, error: LlmdError, attempt: int) -> None:
        """Take the news that no snapshots come."""
        fresh = self.trouble is None
        self.trouble, self.attempt = error, attempt
        self._refresh(changed=fresh)
        if fresh and (page := self.page):
            page.lose(error)

    def _refresh(self, *, changed: bool = True) -> None:
        if page := self.page:
            page.refresh_standing()
            if changed:
                page.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to start the daemon while it is away."""
        if action == "start_daemon":
            return self.trouble is not None and not self.starting
        return super().check_action(action, parameters)

    def action_show_page(self, name: str) -> None:
        """Go to a tab."""
        if name != self.current_mode:
            self.switch_mode(name)

    def action_toggle_help(self) -> None:
        """Show all keys at the side, or hide them."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_start_daemon(self) -> None:
        """Start the daemon."""
        self.starting = True
        self._refresh()
        self.run_worker(self._start(), group="daemon")

    async def _start(self) -> None:
        try:
            await asyncio.to_thread(autostart.ensure, self.paths)
        except LlmdError as error:
            self.notify(f"{error}", severity="error", timeout=10, markup=False)
        finally:
            self.starting = False
            self.link.hurry()
            self._refresh()

    async def open_page(self) -> None:
        """Open the daemon's page in a browser, or tell how to get there."""
        if self.snapshot is None:
            return
        url = f"{address.local(self.snapshot.status.address)}/"
        if browser.has_screen(os.environ) and await asyncio.to_thread(browser.show, url):
            self.notify(f"{url} opens in a browser.", markup=False)
            return
        tunnel, there = browser.way_there(url, os.environ), browser.by_tunnel(url)
        text = f"No browser can be seen here. On the machine before you run\n{tunnel}\n"
        self.notify(f"{text}and open {there}", timeout=30, markup=False)

    async def stop_daemon(self, *, again: bool = False) -> None:
        """Shut the daemon down, and start it once more with `again`."""
        try:
            await self.client.post("/control/stop", {"mode": "drain"})
        except LlmdError as error:
            self.notify(f"{error}", severity="error", markup=False)
            return
        if again:
            self.starting = True
            await asyncio.to_thread(_until_gone, self.paths.socket)
            await self._start()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer all keys of the page and the tabs, what the daemon can be told, and Textual's own
        commands.
        """
        usual = [*super().get_system_commands(screen)]
        yield from usual
        yield from self._keys(screen, {command.title for command in usual})
        if not self.trouble:
            yield SystemCommand(
                "Open in a browser", "The chat and the administration as pages", self.open_page
            )
            yield SystemCommand(
                "Stop the daemon", "Running answers are finished first", self.stop_daemon
            )
            yield SystemCommand(
                "Restart the daemon",
                "Running answers are finished first",
                lambda: self.run_worker(self.stop_daemon(again=True), group="daemon"),
            )

    def _keys(self, screen: Screen[Any], offered: set[str]) -> Iterator[SystemCommand]:
        """Offer what the keys of the page do, each once, and not what is `offered` already."""
        for active in screen.active_bindings.values():
            binding = active.binding
            if not active.enabled or binding.system or binding.description in {"", *offered}:
                continue
            offered.add(binding.description)
            key = self.get_key_display(binding)
            run = partial(self.run_action, binding.action, active.node)
            yield SystemCommand(binding.description, f"Key {key}", run)

    def _keep_theme(self, _theme: object) -> None:
        self._choices = choices.Choices(theme=self.theme)
        choices.write(self.paths.choices_file, self._choices)


def _until_gone(socket: Path) -> None:
    while listening(socket):
        time.sleep(_POLL)
