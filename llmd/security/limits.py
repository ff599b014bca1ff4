"""Moving windows of requests and tokens: the strategy of the library `limits` over a storage of
our own, because the library's starts a thread and keeps an object for every token.

A window is cut into slots, so that what is kept of it does not grow with what is used; a slot
counts until its end is a whole window ago, so a limit is never exceeded within one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import Storage
from limits.storage.base import MovingWindowSupport
from limits.strategies import MovingWindowRateLimiter

from llmd.protocol.limits import Resource

_MOST = 100_000
HOUR = 3600
_SLOT = {60: 1, 86_400: HOUR}
"""Seconds of a slot, by those of the window."""


@dataclass(frozen=True, slots=True)
class Rule:
    """So much of something for somebody."""

    subject: str
    """Such as `key:ID`."""
    resource: Resource
    amount: int
    key: str = field(init=False)
    """Of the window."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _key(self.subject, self.resource))


class Left(NamedTuple):
    """What is left of a rule; times in seconds since the epoch."""

    remaining: int
    """0 also where more was used than allowed: answers are charged when they end."""
    reset: float
    """When the window will be empty."""
    free: float
    """When something can be had again."""


class _Window:
    """What was used in the slots of one window, oldest first, and the sum of it."""

    __slots__ = ("length", "size", "slots", "total")

    def __init__(self, length: int) -> None:
        self.length = length
        self.size = _SLOT[length]
        self.slots: list[tuple[int, int]] = []
        self.total = 0

    def add(self, moment: float, amount: int) -> None:
        slot = int(moment // self.size)
        self.total += amount
        if self.slots and self.slots[-1][0] >= slot:  # also when the clock was set back
            slot, before = self.slots.pop()
            amount += before
        self.slots.append((slot, amount))

    def ends(self, slot: int) -> float:
        """Return when a slot counts no more."""
        return (slot + 1) * self.size + self.length

    def settle(self, now: float) -> None:
        """Forget what counts no more."""
        if not self.slots or self.ends(self.slots[0][0]) > now:
            return
        gone = 0
        for slot, amount in self.slots:
            if self.ends(slot) > now:
                break
            gone += 1
            self.total -= amount
        if gone:
            del self.slots[:gone]

    def left(self, amount: int, now: float) -> Left:
        reset = self.ends(self.slots[-1][0]) if self.slots else now
        free, used = now, self.total
        for slot, cost in self.slots:
            if used < amount:
                break
            used -= cost
            free = self.ends(slot)
        return Left(max(0, amount - self.total), reset, free)


class Windows(Storage, MovingWindowSupport):
    """The windows of everybody, at most `most`: beyond that those go that were used last longest
    ago, so that no crowd of addresses fills the memory.
    """

    STORAGE_SCHEME = None

    def __init__(self, most: int = _MOST, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns seconds since the epoch."""
        super().__init__()
        self._most = most
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._strategy = MovingWindowRateLimiter(self)

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, rule: Rule) -> bool:
        """Use one of what a rule allows; False, and nothing is used, where none is left."""
        return self._strategy.hit(_item(rule.resource, rule.amount), rule.subject, rule.resource)

    def allows(self, rule: Rule) -> bool:
        """Whether anything is left."""
        return self._strategy.test(_item(rule.resource, rule.amount), rule.subject, rule.resource)

    def remaining(self, rule: Rule) -> int:
        """Return how much is left of a rule; 0 or less: nothing."""
        window = self._settled(rule.key, self._clock())
        return rule.amount - window.total if window else rule.amount

    def left(self, rule: Rule) -> Left:
        """Return what is left of a rule."""
        now = self._clock()
        window = self._settled(rule.key, now)
        return window.left(rule.amount, now) if window else Left(rule.amount, now, now)

    def charge(
        self, subject: str, resource: Resource, amount: int, moment: float | None = None
    ) -> None:
        """Count what was used, also beyond what is allowed; at a `moment` that is past when it is
        remembered from before a restart, oldest first.
        """
        length = _item(resource, 1).get_expiry()
        key = _key(subject, resource)
        self._open(key, length).add(self._clock() if moment is None else moment, amount)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """See the library's `MovingWindowSupport`."""
        now = self._clock()
        window = self._open(key, expiry)
        window.settle(now)
        if window.total + amount > limit:
            return False
        window.add(now, amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """See the library's `MovingWindowSupport`."""
        del limit
        now = self._clock()
        window = self._settled(key, now)
        if window is None or not window.slots:
            return now, 0
        return window.ends(window.slots[0][0]) - expiry, window.total

    def _open(self, key: str, length: int) -> _Window:
        window = self._windows.get(key)
        if window is None:
            self._make_room()
            window = self._windows[key] = _Window(length)
        else:
            self._windows.move_to_end(key)
        return window

    def _make_room(self) -> None:
        """Drop one or two windows from the old end that count no more, or one that does."""
        now = self._clock()
        for _ in range(2):
            if not self._windows:
                return
            oldest = next(iter(self._windows))
            window = self._settled(oldest, now)
            if window is not None and window.slots and len(self._windows) < self._most:
                return
            del self._windows[oldest]

    def _settled(self, key: str, now: float) -> _Window | None:
        window = self._windows.get(key)
        if window is not None:
            window.settle(now)
        return window

    # what the library wants of every storage, and its moving windows never call

    @property
    def base_exceptions(self) -> type[Exception]:
        """Errors of a storage that can fail; this one cannot."""
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; return the sum."""
        window = self._open(key, expiry)
        window.add(self._clock(), amount)
        return window.total

    def get(self, key: str) -> int:
        """Return the sum."""
        window = self._settled(key, self._clock())
        return window.total if window else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window will be empty."""
        now = self._clock()
        window = self._settled(key, now)
        return window.left(0, now).reset if window else now

    def check(self) -> bool:
        """Whether the storage works."""
        return True

    def reset(self) -> int:
        """Forget everything; return how many windows there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        self._windows.pop(key, None)


def _key(subject: str, resource: Resource) -> str:
    return f"{subject}/{resource}"


class _PerMinute(RateLimitItemPerMinute):
    """So many in 60 seconds; its window stays the same when the amount is changed."""

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return "/".join(map(str, identifiers))


class _PerDay(RateLimitItemPerDay):
    """So many in 24 hours; as above."""

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return "/".join(map(str, identifiers))


@lru_cache(maxsize=1024)
def _item(resource: Resource, amount: int) -> RateLimitItem:
    return _PerDay(amount) if resource is Resource.TOKENS_PER_DAY else _PerMinute(amount)
