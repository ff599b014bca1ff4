"""People and programs that llmd knows, what lets them in, and what was noted of their doings.

Times are seconds since the epoch, UTC. Nothing here holds a secret, but for what is handed out once
(`NewKey`, `TokenPair`).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    name: str
    """As it was given; two names that differ in case only are one."""
    role: Role = Role.USER
    enabled: bool = True
    created_at: float
    last_login: float | None = None
    limits: Allowance = Allowance()
    """What this user may use; what is not set there is as the settings say."""


class UserChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What shall become of an account; None: as it was."""

    name: str | None = None
    password: str | None = None
    role: Role | None = None
    enabled: bool | None = None
    limits: Allowance | None = None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without its secret."""

    id: str
    prefix: str
    """How the secret begins, by which people tell keys apart."""
    name: str = ""
    user: str = ""
    """Id of the account it acts for; empty: none, it is a program's own."""
    scopes: frozenset[Scope] = frozenset()
    """What it may do, as far as its user may."""
    enabled: bool = True
    created_at: float
    expires_at: float | None = None
    """None: never."""
    last_used: float | None = None
    """Up to a minute late."""
    limits: Allowance = Allowance()


class KeyChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What shall become of a key; None: as it was."""

    name: str | None = None
    enabled: bool | None = None
    limits: Allowance | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key at the one moment when its secret is known."""

    key: ApiKey
    secret: str


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    """What a login gives."""

    access_token: str
    refresh_token: str
    """Good for one refresh, which gives another one."""
    token_type: str = "bearer"  # noqa: S105  the name of a kind, RFC 6750
    expires_in: int
    """Seconds for which the access token counts."""


class BrowserLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What a login in a browser gives."""

    token: str
    """An access token."""
    expires_in: int
    """Seconds for which it counts."""


class TokenFamily(msgspec.Struct, frozen=True, kw_only=True):
    """One login and all the tokens that came of it."""

    id: str
    user: str
    current: str
    """Id of the one refresh token that still counts."""
    created_at: float
    expires_at: float
    revoked: bool = False


class AuditKind(StrEnum):
    """What is noted."""

    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    TOKEN_REUSED = "token_reused"  # noqa: S105  a name
    REFUSED = "refused"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_REMOVED = "user_removed"
    KEY_ADDED = "key_added"
    KEY_CHANGED = "key_changed"
    KEY_REMOVED = "key_removed"
    SETTING_CHANGED = "setting_changed"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done, or tried."""

    at: float
    kind: AuditKind
    actor: str
    """Who: `owner` (the Unix socket), `user:ID`, `key:PREFIX` or `nobody`."""
    subject: str = ""
    """What it was done to: the name of a user, the prefix of a key, a setting."""
    address: str = ""
    detail: str = ""


class AuditWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted."""

    limit: int = 100
    before: int | None = None
    """Only those that are older: `older` of the page before; None: the newest."""
    kinds: frozenset[AuditKind] = frozenset()
    """Empty: all."""
    actor: str = ""
    """What must stand in `actor`, in whatever case."""
    words: str = ""
    """What must stand in any of the texts."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some entries, newest first."""

    entries: list[AuditEntry]
    older: int | None = None
    """What to ask for to go on; None: these were the oldest."""
