"""How much a caller may ask for, and how much of that is left."""

from __future__ import annotations

from enum import StrEnum

import msgspec

UNLIMITED = 1_000_000
"""What `X-RateLimit-Limit` says where no limit is set: more requests than anybody sends."""


class Resource(StrEnum):
    """What is limited."""

    REQUESTS_PER_MINUTE = "requests-per-minute"
    TOKENS_PER_MINUTE = "tokens-per-minute"
    TOKENS_PER_DAY = "tokens-per-day"
    CONCURRENT = "concurrent-requests"
    NONE = "none"
    """No limit is set."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one key, user or address may use; None: the default of the settings, 0: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Of prompts and answers together, as all tokens here."""
    tokens_per_day: int | None = None
    """Of any 24 hours."""
    concurrent: int | None = None
    """Requests that are answered or wait at the same time."""

    def over(self, default: Allowance) -> Allowance:
        """Return this one, with the default where it says nothing."""
        return Allowance(
            requests_per_minute=_first(self.requests_per_minute, default.requests_per_minute),
            tokens_per_minute=_first(self.tokens_per_minute, default.tokens_per_minute),
            tokens_per_day=_first(self.tokens_per_day, default.tokens_per_day),
            concurrent=_first(self.concurrent, default.concurrent),
        )


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What is used now of one thing that a key or a user may have."""

    resource: Resource
    limit: int
    """0: there is none."""
    own: bool
    """Whether that was said of this key or user; else it is as the settings say."""
    used: int | None
    """Now, or in the last minute or day; None: nobody counts, where there is no limit."""
    reset: int
    """Seconds since the epoch at which nothing of it counts any more."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a caller stands with the strictest of their limits: `X-RateLimit-*`."""

    limit: int = UNLIMITED
    remaining: int = UNLIMITED
    reset: int
    """Seconds since the epoch at which all of `limit` can be had again, if nothing is used till
    then.
    """
    resource: Resource = Resource.NONE
    """What `limit` and `remaining` count."""

    def headers(self) -> dict[str, str]:
        """Return it as headers; of gRPC in lower case."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Resource": str(self.resource),
        }


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
