"""One limit shared by all downloads: who may go how quickly. Pure.

Every download gets an equal share; what one cannot use, since its source is slow or it has a limit
of its own, goes to the others (max-min fairness).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")

# a download that stays below so much of its share does not need all of it
_USED = 0.8
# what is left to it beyond what it uses, so that it can become quicker again
_SLACK = 1.5
_LEAST_SHARE = 0.1


@dataclass(slots=True)
class _Use:
    own: int
    """Limit of this download alone; 0: none."""
    rate: float | None = None
    """Bytes per second, lately; None: not known yet."""
    share: int = 0


class Bandwidth(Generic[K]):
    """Divides `limit` bytes per second among downloads; 0: no limit but their own."""

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._uses: dict[K, _Use] = {}

    def join(self, key: K, own: int = 0) -> None:
        """Begin to count a download, or change its own limit."""
        use = self._uses.setdefault(key, _Use(own))
        use.own = own
        self._divide()

    def leave(self, key: K) -> None:
        """Count it no longer."""
        self._uses.pop(key, None)
        self._divide()

    def observe(self, key: K, rate: float) -> None:
        """Note how quickly a download goes."""
        if key in self._uses:
            self._uses[key].rate = rate
            self._divide()

    def share(self, key: K) -> int:
        """Return the bytes per second that a download may take; 0: as many as it can."""
        return self._uses[key].share if key in self._uses else 0

    def _divide(self) -> None:
        if not self._limit:
            for use in self._uses.values():
                use.share = use.own
            return
        left, count = float(self._limit), len(self._uses)
        for use in sorted(self._uses.values(), key=self._demand):
            use.share = max(int(min(self._demand(use), left / count)), 1)
            left -= use.share
            count -= 1

    def _demand(self, use: _Use) -> float:
        own = float(use.own or self._limit)
        if use.rate is None or not use.share or use.rate >= use.share * _USED:
            return own
        least = self._limit / len(self._uses) * _LEAST_SHARE
        return min(own, max(use.rate * _SLACK, least))
