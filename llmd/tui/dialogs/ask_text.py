"""Asks for one line of text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from llmd.errors import InvalidRequest
from llmd.tui.dialogs.dialog import Dialog


class AskText(Dialog[str]):
    """Ends with what was typed."""

    def __init__(self, title: str, text: str = "", hint: str = "") -> None:
        """`text` is there at first."""
        super().__init__(title)
        self._text = text
        self._hint = hint

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Input(
            self._text, placeholder=self._hint, id="text", compact=True, select_on_focus=False
        )

    def on_mount(self) -> None:
        """Begin in the line."""
        self.query_one(Input).focus()

    def answer(self) -> str:
        """Return the text; raise InvalidRequest for none."""
        text = self.query_one(Input).value.strip()
        if not text:
            raise InvalidRequest("Type something.", param="text")
        return text
