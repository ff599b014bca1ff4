"""Lets one be taken of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from llmd.tui.dialogs.dialog import Dialog


class Choose(Dialog[str]):
    """Ends with the key of what was taken; choices are keys and texts."""

    ACCEPT = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__(title)
        self._choices = choices

    def body(self) -> ComposeResult:
        """List them."""
        yield OptionList(
            *(Option(Content(text), id=f"k{place}") for place, (_, text) in self._numbered()),
            compact=True,
        )

    def _numbered(self) -> list[tuple[int, tuple[str, str]]]:
        return list(enumerate(self._choices))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with it."""
        self.dismiss(self._choices[event.option_index][0])

    def action_down(self) -> None:
        """Go to the next."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Go to the one before."""
        self.query_one(OptionList).action_cursor_up()
