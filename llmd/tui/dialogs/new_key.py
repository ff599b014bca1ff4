"""Makes an API key: for whom, what it may do, how long it counts, how much it may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Grid, ItemGrid
from textual.widgets import Checkbox, Input, Label, Select, Static

from llmd.protocol.accounts import User
from llmd.protocol.callers import USUAL, Scope
from llmd.tui import access
from llmd.tui.dialogs.dialog import Dialog

_LIMITS = {
    "requests_per_minute": "Requests/min",
    "tokens_per_minute": "Tokens/min",
    "tokens_per_day": "Tokens/day",
    "concurrent": "At once",
}


class KeyDialog(Dialog[dict[str, Any]]):
    """Ends with an order as `POST /control/keys` takes it."""

    ACCEPT = "Make"

    def __init__(self, users: Sequence[User] = ()) -> None:
        super().__init__("New key")
        self._users = users

    def body(self) -> ComposeResult:
        """Lay out the form."""
        with Grid(classes="form"):
            yield Label("Name")
            yield Input(placeholder="what it is for", id="name", compact=True)
            yield Label("User")
            yield Select(
                [(user.name, user.name) for user in self._users],
                prompt="nobody: it is a program's own",
                id="user",
                compact=True,
            )
            yield Label("Expires in")
            yield Input(placeholder="never, or such as 30d", id="expires", compact=True)
        yield Static("May do (a user's key at most what the user may):", classes="help")
        with ItemGrid(min_column_width=22, id="scopes"):
            for scope in Scope:
                yield Checkbox(scope.value, scope in USUAL, id=f"scope-{scope.name}", compact=True)
        yield Static("Limits; empty: as the settings say, 0: none.", classes="help")
        with Grid(classes="form -wide"):
            for name, title in _LIMITS.items():
                yield Label(title)
                yield Input(id=name, compact=True)

    def on_mount(self) -> None:
        """Begin at the name."""
        self.query_one("#name").focus()

    def answer(self) -> dict[str, Any]:
        """Return the order; raise InvalidRequest."""
        user = self.query_one("#user", Select).value
        return access.key_order(
            name=self.query_one("#name", Input).value,
            user="" if user is Select.NULL else str(user),
            expires=self.query_one("#expires", Input).value,
            scopes=[
                scope for scope in Scope if self.query_one(f"#scope-{scope.name}", Checkbox).value
            ],
            limits={name: self.query_one(f"#{name}", Input).value for name in _LIMITS},
        )
