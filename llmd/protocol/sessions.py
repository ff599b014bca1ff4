"""Kept conversations."""

from __future__ import annotations

from typing import Any

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that is kept."""

    id: str
    """A random UUID."""
    title: str = ""
    """Empty until it was given, or taken from the first thing the person says."""
    owner: str = ""
    """Id of the account it belongs to; empty: to all who use an open daemon."""
    created_at: float
    """Seconds since 1970, UTC."""
    updated_at: float
    """When it was last changed or a message was added."""
    is_active: bool = True
    model: str = ""
    """Which answered last; empty: none was named."""


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be kept."""

    role: str
    content: str
    tokens: int | None = None
    metadata_info: dict[str, Any] = {}
    """JSON-ready; llmd keeps it and gives it back."""


class SessionMessage(NewMessage, frozen=True, kw_only=True):
    """A message that is kept."""

    id: str
    """A random UUID."""
    session_id: str
    created_at: float
    """Seconds since 1970, UTC."""


class Picture(msgspec.Struct, frozen=True):
    """A picture of a kept message."""

    kind: str
    """Its media type, as its bytes tell."""
    data: bytes


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """What else becomes of a session as messages are added to it."""

    pictures: dict[int, list[Picture]] = {}
    """Of the new messages, by their place among them."""
    replaced: list[str] = []
    """Ids of messages that make way for the new ones; those that are gone already do no harm."""
    model: str = ""
    """Which answered; empty: as before."""
