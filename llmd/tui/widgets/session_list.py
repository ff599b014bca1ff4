"""The kept conversations at the side, with a line to search them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from llmd.tui.chat.rows import SessionRow

_PAUSE = 0.3
"""Seconds without a key before what was typed is searched."""


class _Options(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]


class SessionList(Vertical):
    """Lists rows; says which one is opened, renamed or deleted."""

    DEFAULT_CSS = """
    SessionList { width: 30; border-right: vkey $foreground 30%; }
    SessionList Input { margin: 0 1 0 0; background: $boost; }
    SessionList OptionList {
        height: 1fr;
        border: none;
        padding: 0;
        background: $background;
        scrollbar-size-vertical: 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    SessionList OptionList:focus { border: none; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("r", "wish('rename')", "Rename"),
        Binding("d,delete", "wish('delete')", "Delete"),
        Binding("n", "wish('new')", "New", show=False),
    ]

    class Wish(Message):
        """Something is wanted of a row: open, rename, delete; or new, or more of the list."""

        def __init__(self, what: str, row: SessionRow | None = None) -> None:
            super().__init__()
            self.what = what
            self.row = row

    class Searched(Message):
        """Other words are searched for."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._rows: list[SessionRow] = []
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Input(placeholder="/ search", id="session-search", compact=True)
        yield _Options(id="session-rows", compact=True)

    @property
    def words(self) -> str:
        """What is searched for."""
        return self.query_one(Input).value.strip()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def fill(self, rows: Sequence[SessionRow]) -> None:
        """Show rows; the cursor stays on its conversation."""
        if list(rows) == self._rows:
            return
        key = self._at.key if self._at else ""
        self._rows = list(rows)
        listed = self._list
        listed.clear_options()
        listed.add_options([Option(_prompt(row)) for row in self._rows])
        keys = [row.key for row in self._rows]
        current = next((place for place, row in enumerate(self._rows) if row.shown), None)
        listed.highlighted = keys.index(key) if key in keys and listed.has_focus else current

    @property
    def _at(self) -> SessionRow | None:
        place = self._list.highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Wish("open", self._rows[event.option_index]))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index == len(self._rows) - 1:
            self.post_message(self.Wish("more"))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._search)

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.focus()

    def _search(self) -> None:
        self.post_message(self.Searched(self.words))

    def action_search(self) -> None:
        """Type words to search for."""
        self.query_one(Input).focus()

    def action_wish(self, what: str) -> None:
        """Say what is wanted of the row under the cursor."""
        if what == "new" or self._at:
            self.post_message(self.Wish(what, self._at))

    def enter(self) -> None:
        """Go into the list."""
        self._list.focus()


def _prompt(row: SessionRow) -> Content:
    mark = "● " if row.busy else "▸ " if row.shown else "  "
    style = "bold" if row.shown else ""
    age = (f" {row.age}", "$foreground 60%") if row.age else ""
    return Content.assemble((mark, "$text-success"), (row.title, style), age)
