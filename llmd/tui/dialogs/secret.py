"""Shows a secret at the one moment when it is known."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from llmd.tui.dialogs.dialog import Dialog


class SecretDialog(Dialog[bool]):
    """Ends when it is put away; escape alone does not, so that no slip loses the secret."""

    ACCEPT = "Copy (c)"
    LEAVE = "I have kept it (enter)"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "accept", "Copy"),
        Binding("escape", "warn", show=False),
    ]

    def __init__(self, title: str, secret: str) -> None:
        super().__init__(title)
        self._secret = secret

    def body(self) -> ComposeResult:
        """Show it."""
        yield Static(self._secret, id="secret", markup=False)
        yield Static(
            "Keep it now: llmd stores only its hash, and cannot show it again.",
            classes="help",
            markup=False,
        )

    def on_mount(self) -> None:
        """Begin at the button that ends it."""
        self.query_one("#leave").focus()

    def action_accept(self) -> None:
        """Copy it; the dialog stays, for terminals that take no copies."""
        self.app.copy_to_clipboard(self._secret)
        self.notify("Copied, if this terminal lets programs copy.")

    def action_warn(self) -> None:
        """Say how it ends."""
        self.notify("Enter puts it away; it is not shown again.", severity="warning")
