"""The daemon's log: followed, filtered, copied; it is read from the file, so that it is there when
the daemon is not.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from llmd.errors import LlmdError
from llmd.telemetry.log_file import Follower, entry, tail
from llmd.tui.log_lines import LEVELS, graver
from llmd.tui.page import Page
from llmd.tui.widgets.log_view import LogView

_FIRST = 1000
"""Lines that are read of what was written before."""
_POLL = 0.5


class LogsPage(Page):
    """What `llmd logs -f` shows."""

    TAB = "logs"
    CSS_PATH = "logs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,p", "pause", "Pause"),
        Binding("v", "level", "Level"),
        Binding("slash", "search", "Filter"),
        Binding("w", "wrap", "Wrap"),
        Binding("y", "copy", "Copy"),
        Binding("escape", "leave_search", "Back to the log", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._timer: Timer | None = None
        self._said = ""

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Input(placeholder="words that must stand in a line", id="log-filter", compact=True)
        yield LogView(id="log")
        yield Static(id="log-state")

    @property
    def _view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def _where(self) -> str:
        return str(self.llmd.paths.log_file)

    def on_mount(self) -> None:
        """Read what was written before, and follow."""
        self.query_one("#log-filter").display = False
        self._view.focus()
        self._timer = self.set_interval(_POLL, self._read, pause=True)

    def on_screen_resume(self) -> None:
        """Go on reading."""
        self._read()
        if self._timer:
            self._timer.resume()

    def on_screen_suspend(self) -> None:
        """Read nothing while nobody looks."""
        if self._timer:
            self._timer.pause()

    def on_unmount(self) -> None:
        """Let the file go."""
        if self._follower:
            self._follower.close()

    def lose(self, error: LlmdError) -> None:
        """Show what the daemon said last."""
        del error
        self._read()

    def _read(self) -> None:
        path = self.llmd.paths.log_file
        if self._follower is None:
            seen = tail(path, _FIRST)
            self._view.add(map(entry, seen.lines))
            self._follower = Follower(path, seen.end)
        elif fresh := [entry(line) for line in self._follower.read()]:
            self._view.add(fresh)
        self._say()

    @on(LogView.Moved)
    def _say(self) -> None:
        view = self._view
        said = [
            "following" if view.follows else "paused",
            f"level {view.choice.level}" if view.choice.level != LEVELS[0] else "all levels",
            f"filter {view.choice.text!r}" if view.choice.text else "",
            "wrapped" if view.wraps else "",
            "times in UTC",
        ]
        text = " · ".join(part for part in said if part)
        if not view.taken:
            text = f"Nothing was logged yet at {self._where}."
        if text != self._said:
            self._said = text
            self.query_one("#log-state", Static).update(Content(text))

    def action_pause(self) -> None:
        """Stay here, or follow again."""
        self._view.follow(wanted=not self._view.follows)

    def action_level(self) -> None:
        """Show graver entries alone; behind the gravest, all again."""
        choice = self._view.choice
        self._view.choose(msgspec.structs.replace(choice, level=graver(choice.level)))
        self._say()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self._view.wrap(wanted=not self._view.wraps)
        self._say()

    def action_copy(self) -> None:
        """Copy what the mouse selected, else all that is shown."""
        text = self.get_selected_text() or self._view.text
        if not text:
            self.notify("There is nothing to copy.", severity="warning")
            return
        self.app.copy_to_clipboard(text)
        count = text.count("\n") + 1
        self.notify(f"Copied {count:,} line{'' if count == 1 else 's'}.")

    def action_search(self) -> None:
        """Filter by words."""
        box = self.query_one("#log-filter", Input)
        box.display = True
        box.focus()

    def action_leave_search(self) -> None:
        """Forget the filter."""
        box = self.query_one("#log-filter", Input)
        box.value = ""
        box.display = False
        self._view.focus()

    @on(Input.Changed, "#log-filter")
    def _filter(self, event: Input.Changed) -> None:
        self._view.choose(msgspec.structs.replace(self._view.choice, text=event.value))
        self._say()

    @on(Input.Submitted, "#log-filter")
    def _filtered(self) -> None:
        self._view.focus()
