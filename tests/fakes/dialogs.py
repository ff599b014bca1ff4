"""An application that shows one dialog and keeps what it ends with."""

from __future__ import annotations

from typing import Any

from textual.app import App

from llmd.tui.dialogs.dialog import Dialog
from tests.fakes.control import FakeControl

LEFT = "left"
"""What a dialog ended with that was left."""


class Host(App[None]):
    """Shows it at once; `ended` is empty until it has ended."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]  # noqa: RUF012  Textual types it as no ClassVar
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012  as above

    def __init__(self, dialog: Dialog[Any], control: FakeControl | None = None) -> None:
        super().__init__()
        self.client = control or FakeControl()
        self.dialog = dialog
        self.ended: list[Any] = []

    def on_mount(self) -> None:
        self.push_screen(
            self.dialog, lambda found: self.ended.append(LEFT if found is None else found)
        )

    @property
    def fault(self) -> str:
        """What it says is wrong."""
        return str(self.dialog.query_one("#fault").content)
