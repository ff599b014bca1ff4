"""Fetches the bytes of one partial file over one or several connections until it is whole."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from llmd.errors import LlmdError
from llmd.models.sources.lines import Terms
from llmd.models.sources.transfer import lanes, patience
from llmd.models.sources.transfer.budget import Budget
from llmd.models.sources.transfer.faults import Changed, Cut, Refused, explained
from llmd.models.sources.transfer.following import Follower
from llmd.models.sources.transfer.lane import ENDLESS, Lane
from llmd.models.sources.transfer.lanes import Claim, Ramp
from llmd.models.sources.transfer.partial import Partial
from llmd.models.sources.transfer.patience import Patience
from llmd.models.sources.transfer.remote import Remote

_TICK = 0.1


class Crew:
    """The lanes of one file, see `lane.Orders`."""

    def __init__(
        self, remote: Remote, partial: Partial, follower: Follower, budget: Budget, terms: Terms
    ) -> None:
        self.remote = remote
        self.partial = partial
        self.budget = budget
        self.stopping = threading.Event()
        self.note = ""
        """What is unusual just now."""
        self.remark = ""
        """What was unusual and stays worth knowing."""
        self._follower = follower
        self._timeout = terms.stall_timeout
        self._ramp = Ramp(terms.connections, time.monotonic(), partial.done)
        self._wanted = 1
        self._lanes: list[Lane] = []
        self._claims: list[Claim] = []
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._fault: LlmdError | Changed | None = None
        self._patience = Patience(patience.LATER_DELAYS)

    def run(self, watch: Callable[[], None]) -> str:
        """Fetch what is missing; return the digest of the whole. `watch` is called all the time.

        Raises Changed, CorruptFile, DownloadFailed, AccessDenied, ModelNotFound, NoRoom.
        """
        try:
            while not (digest := self._follower.digest):
                self._man()
                self._news.wait(_TICK)
                self._news.clear()
                watch()
                if self._fault is not None:
                    raise self._fault
            return digest
        finally:
            self._stop()

    def _man(self) -> None:
        """Have as many lanes as pay, and one at least while something is missing."""
        size, done = self.partial.identity.size, self.partial.done
        if self.partial.complete or self._fault is not None:
            return
        with self._lock:
            self._wanted = self._ramp.lanes(time.monotonic(), done, size - done)
            if len(self._lanes) >= self._wanted:
                return
            if self._lanes:
                lanes.share(self._claims)
            lane = Lane(self, self._timeout)
            self._lanes.append(lane)
        lane.start()

    def _stop(self) -> None:
        self.stopping.set()
        with self._lock:
            manned = list(self._lanes)
        for lane in manned:
            lane.abort()
        for lane in manned:
            lane.join()

    def take(self, lane: Lane) -> Claim | None:
        """Return bytes to fetch; None: the lane is not needed any more."""
        with self._lock:
            surplus = len(self._lanes) > self._wanted and lane is self._lanes[-1]
            if surplus or self.stopping.is_set():
                return None
            claim = self._next(ended=None)
            if claim is not None:
                self._claims.append(claim)
            return claim

    def extend(self, claim: Claim) -> None:
        """Lengthen a claim that is fetched, if nobody else has what follows."""
        with self._lock:
            following = self._next(ended=claim)
            if following is not None and following.start == claim.end:
                claim.end = following.end

    def _next(self, ended: Claim | None) -> Claim | None:
        self._claims = [held for held in self._claims if held.start < held.end or held is ended]
        size = self.partial.identity.size
        gaps = self.partial.gaps() if size else [(0, ENDLESS)]
        return lanes.next_claim(gaps, self._claims, alone=len(self._lanes) == 1)

    def came(self, claim: Claim, amount: int) -> None:
        """Note bytes that are stored."""
        claim.start += amount
        self.note = ""
        self._patience.renew()
        self._follower.advance()

    def begin_again(self, claim: Claim) -> bool:
        """Forget all bytes, since the server sends the whole file only; False: others are at it."""
        with self._lock:
            self._ramp.lower(1)
            if len(self._lanes) > 1:
                return False
            self._follower.reset()
            claim.start, claim.end = 0, self.partial.identity.size
            self.remark = "the server cannot continue a download: it begins again"
            return True

    def delay(self, fault: Cut | Refused) -> float | None:
        """Return seconds after which to try again; None: the lane ends."""
        with self._lock:
            if self.stopping.is_set():
                return None
            if len(self._lanes) > 1:
                # the others go on; perhaps the server minds so many
                self._ramp.lower(len(self._lanes) - 1)
                return None
            pause = None
            if isinstance(fault, Cut) or fault.passing:
                pause = self._patience.next(_wish(fault), random.random())  # noqa: S311  spreads clients, no secret
            if pause is None:
                self._fault = explained(fault, self.remote.name)
            else:
                self.note = f"{fault}; trying again in {pause:.0f} s"
            self._news.set()
            return pause

    def fail(self, error: LlmdError | Changed) -> None:
        """End it all."""
        self._fault = self._fault or error
        self._news.set()

    def ended(self, lane: Lane) -> None:
        """Strike a lane off."""
        with self._lock:
            self._lanes.remove(lane)


def _wish(fault: Cut | Refused) -> float:
    if isinstance(fault, Cut):
        return 0.0
    return patience.wish(fault.headers.get("retry-after", ""), time.time())
