"""Who may ask for more now: requests and tokens in moving windows, and requests at the same time.

The limits of the key, the user and the address of a caller all apply; the strictest counts and is
the one that `X-RateLimit-*` shows. The owner, on the Unix socket, has none. A request is refused
when a window is used up already; what an answer took is charged when it ends, however it ends.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import NamedTuple

from llmd.config.sharing import LimitSettings
from llmd.errors import RateLimited
from llmd.protocol.callers import Caller
from llmd.protocol.limits import Allowance, Resource, Standing, Use
from llmd.security.limits import Rule, Windows
from llmd.services.usage import Usage
from llmd.telemetry.metrics import Metrics

_NETWORK = 64
"""Bits of an IPv6 address that tell customers apart: each has the others to themselves."""
_MANY = 4096
_PEOPLE = 1_000_000
_WHAT = {
    Resource.REQUESTS_PER_MINUTE: "requests per minute",
    Resource.TOKENS_PER_MINUTE: "tokens per minute",
    Resource.TOKENS_PER_DAY: "tokens per day",
    Resource.CONCURRENT: "requests at the same time",
}
_WHOSE = {"key": "this key", "user": "this user", "address": "this address"}


class _Terms(NamedTuple):
    """What applies to a caller."""

    subjects: tuple[str, ...]
    """As whom they are counted."""
    rules: tuple[Rule, ...]
    seats: tuple[Rule, ...]
    """How many requests at the same time."""


class Limits:
    """Counts what callers use, and refuses what is too much; knows nothing of any transport.

    For each request: `admit`, then `occupy` while it is answered. Tokens are told to `spend`.
    """

    def __init__(
        self,
        settings: LimitSettings,
        metrics: Metrics,
        usage: Usage | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`usage` remembers tokens over restarts; `clock` returns seconds since the epoch."""
        self._metrics = metrics
        self._usage = usage
        self._clock = clock
        self._people = Windows(_PEOPLE, clock=clock)
        self._addresses = Windows(clock=clock)
        self._occupied: Counter[str] = Counter()
        self._defaults = {who: _default(settings, who) for who in _WHOSE}
        self._terms = lru_cache(maxsize=_MANY)(self._find_terms)

    def admit(self, caller: Caller) -> Standing:
        """Count one request and return how the caller stands; raise RateLimited, which is not
        counted, with `retry_after` and the fields of a Standing as its details.
        """
        terms = self._of(caller)
        if not terms.rules:
            return self._unlimited()
        if any(self._remaining(rule) <= 0 for rule in terms.rules):
            raise self._used_up(terms.rules)
        for rule in terms.rules:
            if rule.resource is Resource.REQUESTS_PER_MINUTE:
                self._windows(rule.subject).take(rule)
        return self._strictest(terms.rules)

    def look(self, caller: Caller) -> Standing:
        """Return how a caller stands, without counting anything."""
        terms = self._of(caller)
        return self._strictest(terms.rules) if terms.rules else self._unlimited()

    def occupy(self, caller: Caller) -> AbstractContextManager[None]:
        """Return what holds a place for the length of a `with` that is entered at once; raise
        RateLimited when all are taken.
        """
        terms = self._of(caller)
        if not terms.seats:
            return nullcontext()
        for seat in terms.seats:
            if self._occupied[seat.subject] >= seat.amount:
                raise self._refusal(seat, self._clock() + 1)
        return _Seats(self._occupied, terms.seats)

    def spend(self, caller: Caller, tokens: int) -> None:
        """Charge what an answer took."""
        subjects = self._of(caller).subjects
        for subject in subjects:
            windows = self._windows(subject)
            windows.charge(subject, Resource.TOKENS_PER_MINUTE, tokens)
            windows.charge(subject, Resource.TOKENS_PER_DAY, tokens)
            if self._usage:
                self._usage.note(subject, tokens)
        if caller.label and tokens:
            self._metrics.callers.count(caller.label, tokens)

    def uses(self, subject: str, own: Allowance) -> list[Use]:
        """Return what is used now by `key:ID` or `user:ID`, whose own limits these are."""
        terms = own.over(self._defaults[subject.partition(":")[0]])
        said = _amounts(own, unsaid=-1)
        return [
            self._use(subject, resource, amount, own=said[resource] >= 0)
            for resource, amount in _amounts(terms).items()
        ]

    @property
    def defaults(self) -> Mapping[str, Allowance]:
        """What each `key`, `user` and `address` may use of which nothing else is said."""
        return self._defaults

    async def restore(self) -> None:
        """Learn what was used in the last 24 hours before a restart; raise StorageFailed."""
        if self._usage is None:
            return
        for moment, subject, tokens in await self._usage.recent():
            windows = self._windows(subject)
            windows.charge(subject, Resource.TOKENS_PER_DAY, tokens, moment)

    def _of(self, caller: Caller) -> _Terms:
        if caller.owner:
            return _Terms((), (), ())
        return self._terms(
            caller.key, caller.key_allowance, caller.user, caller.user_allowance, caller.address
        )

    def _find_terms(
        self, key: str, of_key: Allowance, user: str, of_user: Allowance, address: str
    ) -> _Terms:
        found = []
        if key:
            found.append((f"key:{key}", of_key.over(self._defaults["key"])))
        if user:
            found.append((f"user:{user}", of_user.over(self._defaults["user"])))
        if address and any(_amounts(self._defaults["address"]).values()):
            found.append((f"address:{network(address)}", self._defaults["address"]))
        rules = [
            Rule(subject, resource, amount)
            for subject, allowance in found
            for resource, amount in _amounts(allowance).items()
            if amount
        ]
        return _Terms(
            tuple(subject for subject, _ in found),
            tuple(rule for rule in rules if rule.resource is not Resource.CONCURRENT),
            tuple(rule for rule in rules if rule.resource is Resource.CONCURRENT),
        )

    def _use(self, subject: str, resource: Resource, amount: int, *, own: bool) -> Use:
        # tokens are counted for everybody, requests for those who have a limit
        counted = bool(amount) or resource in {
            Resource.TOKENS_PER_MINUTE,
            Resource.TOKENS_PER_DAY,
        }
        rule = Rule(subject, resource, amount)
        if resource is Resource.CONCURRENT:
            used, reset = self._occupied[subject], self._clock()
        else:
            used = amount - self._remaining(rule)
            reset = self._windows(subject).left(rule).reset
        return Use(
            resource=resource,
            limit=amount,
            own=own,
            used=used if counted else None,
            reset=math.ceil(reset),
        )

    def _windows(self, subject: str) -> Windows:
        # apart, so that no crowd of addresses drives out what is known of keys and users
        return self._addresses if subject.startswith("address:") else self._people

    def _remaining(self, rule: Rule) -> int:
        return self._windows(rule.subject).remaining(rule)

    def _strictest(self, rules: Iterable[Rule]) -> Standing:
        """Return the standing with what is used up, and for longest; else with the requests of
        which fewest are left; else with the tokens of which the smallest share is.
        """
        remaining, rule = min(((self._remaining(rule), rule) for rule in rules), key=_strictness)
        if remaining <= 0:
            rule = max(rules, key=self._free)
        return Standing(
            limit=rule.amount,
            remaining=max(0, remaining),
            reset=math.ceil(self._windows(rule.subject).left(rule).reset),
            resource=rule.resource,
        )

    def _free(self, rule: Rule) -> float:
        """Return when something can be had again; 0: now."""
        left = self._windows(rule.subject).left(rule)
        return 0.0 if left.remaining else left.free

    def _used_up(self, rules: Iterable[Rule]) -> RateLimited:
        """Return the refusal by the rule that leaves nothing for longest."""
        rule = max(rules, key=self._free)
        return self._refusal(rule, self._free(rule))

    def _unlimited(self) -> Standing:
        return Standing(reset=math.ceil(self._clock()))

    def _refusal(self, rule: Rule, free: float) -> RateLimited:
        whose = rule.subject.partition(":")[0]
        self._metrics.rate_limited.labels(whose, str(rule.resource)).inc()
        wait = max(1, math.ceil(free - self._clock()))
        return RateLimited(
            f"The limit of {rule.amount} {_WHAT[rule.resource]} of {_WHOSE[whose]} is used up.",
            hint=f"Try again in {wait} s.",
            retry_after=wait,
            limit=rule.amount,
            remaining=0,
            reset=math.ceil(free),
            resource=str(rule.resource),
        )


class _Seats:
    """Places that are held; a generator would cost three times as much."""

    __slots__ = ("_occupied", "_seats")

    def __init__(self, occupied: Counter[str], seats: tuple[Rule, ...]) -> None:
        self._occupied = occupied
        self._seats = seats

    def __enter__(self) -> None:
        for seat in self._seats:
            self._occupied[seat.subject] += 1

    def __exit__(self, *_: object) -> None:
        for seat in self._seats:
            self._occupied[seat.subject] -= 1
            if not self._occupied[seat.subject]:
                del self._occupied[seat.subject]


def standing(refused: RateLimited) -> Standing | None:
    """Return how a caller stands whom `Limits` refused; None: another part of llmd did."""
    told = refused.details
    if "resource" not in told:
        return None
    return Standing(
        limit=told["limit"],
        remaining=told["remaining"],
        reset=told["reset"],
        resource=Resource(told["resource"]),
    )


@lru_cache(maxsize=_MANY)
def network(address: str) -> str:
    """Return what is counted as one address: of IPv6 the network of 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK), strict=False))


def _default(settings: LimitSettings, who: str) -> Allowance:
    return Allowance(
        **{field: getattr(settings, f"{who}_{field}") for field in Allowance.__struct_fields__}
    )


def _amounts(allowance: Allowance, unsaid: int = 0) -> dict[Resource, int]:
    amounts = {
        Resource.REQUESTS_PER_MINUTE: allowance.requests_per_minute,
        Resource.TOKENS_PER_MINUTE: allowance.tokens_per_minute,
        Resource.TOKENS_PER_DAY: allowance.tokens_per_day,
        Resource.CONCURRENT: allowance.concurrent,
    }
    return {resource: unsaid if said is None else said for resource, said in amounts.items()}


def _strictness(remaining_rule: tuple[int, Rule]) -> tuple[bool, bool, float]:
    remaining, rule = remaining_rule
    requests = rule.resource is Resource.REQUESTS_PER_MINUTE
    return (remaining > 0, not requests, remaining / (1 if requests else rule.amount))
