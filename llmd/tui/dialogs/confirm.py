"""Asks before something is destroyed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from llmd.tui.cells import Line, said
from llmd.tui.dialogs.dialog import Dialog
from llmd.tui.widgets.details import Details


class Confirm(Dialog[bool]):
    """Ends with True for yes, None for no."""

    ACCEPT = "Yes (y)"
    LEAVE = "No (n)"
    DANGER = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "accept", "Yes", show=False),
        Binding("n", "leave", "No", show=False),
    ]

    def __init__(self, title: str, text: str, lines: tuple[Line, ...] = ()) -> None:
        super().__init__(title)
        self._lines = (said(text), *lines)

    def body(self) -> ComposeResult:
        """Say what would happen."""
        yield Details(self._lines)

    def on_mount(self) -> None:
        """Begin at no: enter alone destroys nothing."""
        self.query_one("#leave").focus()

    def answer(self) -> bool:
        """Return True."""
        return True
