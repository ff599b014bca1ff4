"""Who asks for something, and what they may ask for."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from llmd.protocol.limits import Allowance

_LONGEST = 64


class Role(StrEnum):
    """What an account is."""

    ADMIN = "admin"
    USER = "user"


class Scope(StrEnum):
    """A kind of call; a caller has some of them."""

    GENERATE = "generate"
    """Answers, embeddings, rankings, tokens."""
    MODELS_READ = "models:read"
    """Which models there are."""
    MODELS_WRITE = "models:write"
    """Fetching, making, loading and unloading them."""
    SESSIONS = "sessions"
    """One's own kept conversations."""
    METRICS = "metrics"
    """Figures of the daemon."""
    ADMIN = "admin"
    """Accounts, keys, presets, and what belongs to others."""


EVERYTHING = frozenset(Scope)
USUAL = frozenset({Scope.GENERATE, Scope.MODELS_READ, Scope.SESSIONS})
"""What a user who is no admin may do."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request."""

    client: str = "local"
    """Whose turn it takes in the waiting line, and how `llmd requests` lists it."""
    trace: str = ""
    """The `X-Request-Id` it came with or was given."""
    owner: bool = False
    """Whether it came over the Unix socket, which is the owner's alone."""
    user: str = ""
    """Id of the account; empty: of none."""
    key: str = ""
    """Id of the API key; empty: none was used, or none that llmd has made."""
    login: str = ""
    """Id of the login whose access token was shown; empty: none was."""
    address: str = ""
    """Where the connection comes from; empty on the Unix socket."""
    scopes: frozenset[Scope] = EVERYTHING
    label: str = ""
    """What logs and metrics call the caller: the prefix of the key, the name of the user; never a
    secret.
    """
    key_allowance: Allowance = Allowance()
    """What the key may use, where that differs from the settings."""
    user_allowance: Allowance = Allowance()
    """What its user may use."""

    def turn(self, user: str | None) -> str:
        """Return whose turn a request takes that names a `user`: names count where no key and no
        account tells callers apart.
        """
        if not user or self.client.startswith(("key:", "account:")):
            return self.client
        return f"user:{user if len(user) <= _LONGEST else short_hash(user)}"


def short_hash(text: str) -> str:
    """Return twelve characters that tell texts apart and tell nothing of them."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a request shows of its sender."""

    token: str = ""
    """An API key or an access token, as it came; empty: none."""
    address: str = ""
    process: str = ""
    """Of the program at the other end of the Unix socket; empty: it came over TCP."""
    trace: str = ""
