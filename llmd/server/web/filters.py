"""Amounts and times, as templates write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from llmd.protocol import amounts


def moment(epoch: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC; pages show it in the reader's own time."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")


def percent(share: float) -> str:
    """Return a share between 0 and 1 in percent."""
    return f"{share:.0%}"


FILTERS: dict[str, Callable[..., Any]] = {
    "size": amounts.size,
    "count": amounts.count,
    "duration": amounts.duration,
    "seconds": amounts.seconds,
    "rate": amounts.rate,
    "moment": moment,
    "percent": percent,
}
