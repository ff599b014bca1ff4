"""What callers have used."""

from __future__ import annotations

import msgspec


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What one subject used in an hour or a day."""

    subject: str
    """`key:ID`, `user:ID` or `address:NETWORK`."""
    start: float
    """When the hour or the day (UTC) began, in seconds since the epoch."""
    tokens: int
    """Of prompts and answers."""
    answers: int
