"""When to try again, pure: longer waits each time, the server's own wish, and an end.

Retry-After comes as seconds or as a date (RFC 9110, section 10.2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_DELAYS = (0.5, 1.0)
"""Seconds, before the server has ever answered: no network should be reported soon."""
LATER_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LONGEST_WISH = 120.0
"""A server that wants longer waits, in seconds, is not waited for."""


class Patience:
    """Counts failures; progress renews it."""

    def __init__(self, delays: Sequence[float]) -> None:
        self._delays = tuple(delays)
        self._left = list(delays)

    def renew(self) -> None:
        """Forget earlier failures: something has come since."""
        self._left = list(self._delays)

    def next(self, wish: float = 0.0, jitter: float = 0.0) -> float | None:
        """Return seconds to wait after one more failure, or None to give up. `wish` is what the
        server asked for, `jitter` (0 to 1) spreads clients that failed together.
        """
        if not self._left or wish > LONGEST_WISH:
            return None
        return max(self._left.pop(0) * (1 + jitter / 4), wish)


def wish(retry_after: str, now: float) -> float:
    """Return the seconds that a Retry-After header asks for, 0 where it says nothing readable."""
    text = retry_after.strip()
    if text.isdecimal() and text.isascii():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((aware - datetime.fromtimestamp(now, UTC)).total_seconds(), 0.0)
