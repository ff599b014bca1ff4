"""Slows down those who guess passwords: by name and by address, each with delays that double.

An attempt counts as failed from the moment it begins, so that a thousand at once are no way around;
what succeeds is taken back. Pure: the clock is passed in.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

FREE = 5
"""Failures without any delay: people mistype."""
LONGEST_OF_NAME = 60.0
"""Seconds; longer would let strangers lock an account."""
LONGEST_OF_ADDRESS = 900.0
FORGOTTEN = 3600.0
"""A record that was left alone for this long is gone."""
_KEPT = 10_000


@dataclass(slots=True)
class _Record:
    failures: int = 0
    until: float = 0.0
    """No attempt before this time."""
    last: float = 0.0


class Throttle:
    """Who must wait before the next attempt."""

    def __init__(self, kept: int = _KEPT) -> None:
        """Remember at most `kept` names and as many addresses."""
        self._names = _Records(kept, LONGEST_OF_NAME)
        self._addresses = _Records(kept, LONGEST_OF_ADDRESS)

    def attempt(self, name: str, address: str, now: float) -> int:
        """Begin an attempt and return 0, or the whole seconds after which one is allowed."""
        address = network(address)
        wait = max(self._names.wait(name, now), self._addresses.wait(address, now))
        if wait > 0:
            return math.ceil(wait)
        self._names.fail(name, now)
        self._addresses.fail(address, now)
        return 0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name, and of the address this one attempt: who knows one
        password may still be guessing others.
        """
        self._names.forget(name)
        self._addresses.take_back(network(address))


def network(address: str) -> str:
    """Return the address, or the /64 of an IPv6 one: who has one address there has them all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


class _Records:
    def __init__(self, kept: int, longest: float) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._kept = kept
        self._longest = longest

    def wait(self, who: str, now: float) -> float:
        record = self._records.get(who)
        return record.until - now if record else 0.0

    def fail(self, who: str, now: float) -> None:
        record = self._records.setdefault(who, _Record())
        if now - record.last > FORGOTTEN:
            record.failures = 0
        record.failures += 1
        record.last = now
        record.until = now + self._delay(record.failures)
        self._records.move_to_end(who)
        while len(self._records) > self._kept:
            self._records.popitem(last=False)

    def forget(self, who: str) -> None:
        self._records.pop(who, None)

    def take_back(self, who: str) -> None:
        record = self._records.get(who)
        if record is None:
            return
        record.failures -= 1
        record.until = 0.0
        if record.failures <= 0:
            self.forget(who)

    def _delay(self, failures: int) -> float:
        beyond = failures - FREE
        # an exponent that grows for ever would overflow
        return 0.0 if beyond < 0 else min(2.0 ** min(beyond, 20), self._longest)
