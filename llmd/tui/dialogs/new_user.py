"""Makes an account, or gives one another password."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Checkbox, Input, Label

from llmd.errors import InvalidRequest
from llmd.protocol.callers import Role
from llmd.tui.dialogs.dialog import Dialog


class UserDialog(Dialog[dict[str, Any]]):
    """Ends with an order as `POST /control/users` takes it, or with `{"password": ...}` for an
    account that is there.
    """

    ACCEPT = "Save"

    def __init__(self, user: str = "") -> None:
        super().__init__(f"New password of {user}" if user else "New user")
        self._user = user

    def body(self) -> ComposeResult:
        """Lay out the form."""
        with Grid(classes="form"):
            if not self._user:
                yield Label("Name")
                yield Input(id="name", compact=True)
            yield Label("Password")
            yield Input(password=True, id="password", compact=True)
            yield Label("Once more")
            yield Input(password=True, id="again", compact=True)
        if not self._user:
            yield Checkbox("Administrator: may do everything", id="admin", compact=True)

    def on_mount(self) -> None:
        """Begin at the first field."""
        self.query(Input).first().focus()

    def answer(self) -> dict[str, Any]:
        """Return the order; raise InvalidRequest."""
        password = self.query_one("#password", Input).value
        if password != self.query_one("#again", Input).value:
            raise InvalidRequest("The two passwords differ.", param="password")
        if not password:
            raise InvalidRequest("Give a password.", param="password")
        if self._user:
            return {"password": password}
        name = self.query_one("#name", Input).value.strip()
        if not name:
            raise InvalidRequest("Give a name.", param="name")
        admin = self.query_one("#admin", Checkbox).value
        return {"name": name, "password": password, "role": Role.ADMIN if admin else Role.USER}
