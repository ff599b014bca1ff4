"""The page of keys and accounts: who is let in, and with what."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from llmd.protocol.accounts import ApiKey, User
from llmd.protocol.feed import Snapshot
from llmd.tui import access
from llmd.tui.cells import line
from llmd.tui.dialogs import Confirm, KeyDialog, SecretDialog, UserDialog
from llmd.tui.page import ListPage
from llmd.tui.widgets.rows import Rows

_NO_KEYS = "No keys yet: a makes one. Its secret is shown once."
_NO_USERS = "No accounts yet: w makes one."


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and the name of the user it acts for."""

    key: ApiKey
    user: str


class KeysPage(ListPage):
    """Keys above accounts; actions are done with the row of the table that has the focus."""

    TAB = "keys"
    CSS_PATH = "keys.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add_key", "New key"),
        Binding("w", "add_user", "New user"),
        Binding("e", "enable", "Enable / disable"),
        Binding("p", "password", "Password"),
        Binding("x,delete", "remove", "Remove"),
        Binding("r", "reload", "Read again", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, KeyRow] = {}
        self._users: dict[str, User] = {}
        self._pid = 0

    def body(self) -> ComposeResult:
        """Lay the page out."""
        yield Static(id="mode", markup=False)
        yield Static("Keys", classes="title")
        yield Rows(access.KEY_COLUMNS, id="keys")
        yield Static(_NO_KEYS, id="no-keys", classes="empty", markup=False)
        yield Static("Accounts", classes="title")
        yield Rows(access.USER_COLUMNS, id="users")
        yield Static(_NO_USERS, id="no-users", classes="empty", markup=False)

    def on_mount(self) -> None:
        """Begin with the keys."""
        self.query_one("#keys").focus()

    def take(self, snapshot: Snapshot) -> None:
        """Show the mode; read everything again from a daemon that has just come."""
        mode = snapshot.status.security
        explained = access.MODES.get(mode, f"Mode {mode}.")
        self.query_one("#mode", Static).update(Content(explained))
        if snapshot.status.pid != self._pid:
            self._pid = snapshot.status.pid
            self.action_reload()

    async def read(self) -> None:
        """Ask who is let in."""
        keys, users = await asyncio.gather(
            self.client.get("/control/keys"), self.client.get("/control/users")
        )
        rows = msgspec.convert(keys["keys"], list[KeyRow])
        self._keys = {row.key.id: row for row in rows}
        self._users = {user.id: user for user in msgspec.convert(users["users"], list[User])}

    def show_lists(self) -> None:
        """Show who is let in."""
        # the daemon's clock, which is what the keys go by
        now = self.llmd.snapshot.at if self.llmd.snapshot else time.time()
        keys = [access.key_row(row.key, row.user, now) for row in self._keys.values()]
        users = [access.user_row(user, now) for user in self._users.values()]
        for rows, table, empty in ((keys, "#keys", "#no-keys"), (users, "#users", "#no-users")):
            self.query_one(table).display = bool(rows)
            self.query_one(empty).display = not rows
            self.query_one(table, Rows).fill(rows)
        if self.focused is None and (keys or users):
            self.query_one("#keys" if keys else "#users").focus()
        self.refresh_bindings()

    @property
    def key(self) -> KeyRow | None:
        """The key under the cursor, while the keys have the focus."""
        table = self.query_one("#keys", Rows)
        return self._keys.get(table.key or "") if table.has_focus else None

    @property
    def user(self) -> User | None:
        """The account under the cursor, while the accounts have the focus."""
        table = self.query_one("#users", Rows)
        return self._users.get(table.key or "") if table.has_focus else None

    def on_descendant_focus(self) -> None:
        """Offer what can be done with the other table."""
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with the row under the cursor."""
        if not self.whole:
            return True
        if action in {"enable", "remove"}:
            return self.key is not None or self.user is not None
        if action == "password":
            return self.user is not None
        return super().check_action(action, parameters)

    def action_add_key(self) -> None:
        """Make a key, and show its secret once."""
        self.ask(KeyDialog(list(self._users.values())), self._add_key)

    def _add_key(self, order: dict[str, Any]) -> None:
        def show(made: dict[str, Any]) -> None:
            name = made["key"]["name"] or made["key"]["prefix"]
            self.app.push_screen(SecretDialog(f"The key {name}", made["secret"]))
            self.action_reload()

        self.perform(self.client.post("/control/keys", order), then=show)

    def action_add_user(self) -> None:
        """Make an account."""
        self.ask(UserDialog(), self._add_user)

    def _add_user(self, order: dict[str, Any]) -> None:
        made = self.client.post("/control/users", order)
        self.perform(made, f"{order['name']} may log in.", then=self._again)

    def action_password(self) -> None:
        """Give an account another password."""
        if user := self.user:
            said = f"{user.name} has a new password; logins under way have ended."
            self.ask(
                UserDialog(user.name),
                lambda changes: self._change(_user_path(user), changes, said),
            )

    def action_enable(self) -> None:
        """Let somebody in no more, or again."""
        if row := self.key:
            name, path, enabled = (
                row.key.name or row.key.prefix,
                _key_path(row.key),
                row.key.enabled,
            )
        elif user := self.user:
            name, path, enabled = user.name, _user_path(user), user.enabled
        else:
            return
        word = "disabled: answers under way end" if enabled else "enabled"
        self._change(path, {"enabled": not enabled}, f"{name} is {word}.")

    def _change(self, path: str, changes: dict[str, Any], said: str) -> None:
        self.perform(self.client.post(path, changes), said, then=self._again)

    def action_remove(self) -> None:
        """Forget a key or an account, after a question."""
        if row := self.key:
            name, path = row.key.name or row.key.prefix, _key_path(row.key)
            facts = (line("key", row.key.prefix), line("user", row.user or "nobody"))
        elif user := self.user:
            name, path = user.name, _user_path(user)
            count = sum(row.key.user == user.id for row in self._keys.values())
            facts = (line("role", str(user.role)), line("keys", f"{count}, removed too"))
        else:
            return
        question = Confirm(
            "Remove", f"Remove {name}? Answers under way end, and nobody gets in with it.", facts
        )
        said = f"{name} is removed."
        self.ask(
            question,
            lambda _: self._remove(path, said),
        )

    def _remove(self, path: str, said: str) -> None:
        self.perform(self.client.delete(path), said, then=self._again)

    def _again(self, _answer: object) -> None:
        self.action_reload()


def _key_path(key: ApiKey) -> str:
    return f"/control/keys/{quote(key.id, safe='')}"


def _user_path(user: User) -> str:
    return f"/control/users/{quote(user.name, safe='')}"
