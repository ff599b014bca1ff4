"""One connection at work: takes stretches of a file, asks for them, stores what comes."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from llmd.errors import DownloadFailed, LlmdError
from llmd.models.sources.transfer.budget import Budget
from llmd.models.sources.transfer.exchange import Answer, Exchange
from llmd.models.sources.transfer.faults import Changed, Cut, Refused
from llmd.models.sources.transfer.lanes import Claim
from llmd.models.sources.transfer.looking import check_beginning, ranged, version
from llmd.models.sources.transfer.partial import Partial
from llmd.models.sources.transfer.remote import Remote

ENDLESS = 2**62
"""Where a file ends whose server does not say it."""
_PARTIAL_CONTENT = 206
_WRONG_RANGE = 416
_BUFFER = 512 * 1024
_FLUSH_EVERY = 0.2
_REFUSED_THERE = frozenset({401, 403, 404, 410})
_SEEN = 512


class Orders(Protocol):
    """Who says what to fetch; all may be called from any lane's thread."""

    remote: Remote
    partial: Partial
    budget: Budget
    stopping: threading.Event

    def take(self, lane: Lane) -> Claim | None:
        """Return bytes to fetch; None: the lane is not needed any more."""

    def extend(self, claim: Claim) -> None:
        """Lengthen a claim that is fetched, if nobody else has what follows."""

    def came(self, claim: Claim, amount: int) -> None:
        """Note bytes that are stored."""

    def begin_again(self, claim: Claim) -> bool:
        """Forget all bytes, since the server sends the whole file only; False: not this lane."""

    def delay(self, fault: Cut | Refused) -> float | None:
        """Return seconds after which to try again; None: the lane ends."""

    def fail(self, error: LlmdError | Changed) -> None:
        """End it all."""

    def ended(self, lane: Lane) -> None:
        """The lane ended."""


class Lane:
    """A thread with a connection of its own."""

    def __init__(self, orders: Orders, timeout: float) -> None:
        self._orders = orders
        self._exchange = Exchange(timeout)
        self._buffer = memoryview(bytearray(_BUFFER))
        # where redirects led: asked directly from then on, as long as that works
        self._direct = ""
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def abort(self) -> None:
        """End what it waits for."""
        self._exchange.abort()

    def join(self) -> None:
        """Wait until it ended."""
        self._thread.join()

    def _work(self) -> None:
        try:
            while (claim := self._orders.take(self)) is not None:
                if not self._round(claim):
                    break
        except (LlmdError, Changed) as error:
            self._orders.fail(error)
        except Exception as error:
            # or another lane would take this one's place, and fail as well
            self._orders.fail(DownloadFailed(f"A fault of llmd's own: {error!r}."))
            raise
        finally:
            self._exchange.close()
            self._orders.ended(self)

    def _round(self, claim: Claim) -> bool:
        """Fetch a claim, or wait for the next attempt; return whether to go on."""
        try:
            self._fetch(claim)
        except (Cut, Refused) as fault:
            claim.end = claim.start
            if self._direct and isinstance(fault, Refused) and fault.status in _REFUSED_THERE:
                self._direct = ""  # such addresses are valid for some minutes
                return True
            pause = self._orders.delay(fault)
            return pause is not None and not self._orders.stopping.wait(pause)
        finally:
            claim.end = claim.start
        return True

    def _fetch(self, claim: Claim) -> None:
        answer, begun = self._open(claim), claim.start
        filled, stored_at, chunk = 0, time.monotonic(), 0
        try:
            while True:
                chunk = chunk if filled else self._chunk(claim)
                # what has come is not held back until more does
                if filled and not answer.ready(stored_at + _FLUSH_EVERY - time.monotonic()):
                    self._store(claim, filled)
                    filled, stored_at = 0, time.monotonic()
                    continue
                got = answer.read_into(self._buffer[filled:chunk])
                filled += got
                if got and filled < chunk and time.monotonic() < stored_at + _FLUSH_EVERY:
                    continue
                self._store(claim, filled)
                filled, stored_at = 0, time.monotonic()
                if not got or not self._goes_on(claim, answer):
                    break
        except Cut:
            self._store(claim, filled)
            raise
        if claim.start == begun and not self._orders.stopping.is_set():
            raise Cut("the answer was empty")
        self._conclude(claim, answer)

    def _chunk(self, claim: Claim) -> int:
        return min(self._orders.budget.chunk(_BUFFER), claim.end - claim.start)

    def _goes_on(self, claim: Claim, answer: Answer) -> bool:
        if claim.start == claim.end and not answer.finished:
            self._orders.extend(claim)
        return claim.start < claim.end and not self._orders.stopping.is_set()

    def _conclude(self, claim: Claim, answer: Answer) -> None:
        partial = self._orders.partial
        if claim.end == ENDLESS and not self._orders.stopping.is_set():
            partial.settle(claim.start)
            self._orders.came(claim, 0)
            return
        endless = claim.start == partial.identity.size and answer.length is None
        if endless and answer.read_into(self._buffer[:1]):
            raise DownloadFailed(
                f"The source sent more than the {partial.identity.size} bytes it announced."
            )

    def _store(self, claim: Claim, filled: int) -> None:
        if not filled or self._orders.stopping.is_set():
            return
        data = self._buffer[:filled]
        if claim.start == 0:
            check_beginning(self._orders.remote, bytes(data[:_SEEN]))
        self._orders.partial.write(claim.start, data)
        self._orders.came(claim, filled)
        self._orders.budget.spend(filled)

    def _open(self, claim: Claim) -> Answer:
        remote, partial = self._orders.remote, self._orders.partial
        size = partial.identity.size
        extra = {}
        if claim.start or claim.end < size:
            last = "" if claim.end == size else str(claim.end - 1)
            extra["Range"] = f"bytes={claim.start}-{last}"
            if partial.identity.etag and not remote.sha256:
                extra["If-Range"] = partial.identity.etag
        try:
            answer = self._get(extra)
        except Refused as refused:
            if refused.status == _WRONG_RANGE:
                raise self._wrong_range(refused, size) from refused
            raise
        self._check(answer, claim)
        return answer

    def _get(self, extra: dict[str, str]) -> Answer:
        remote = self._orders.remote
        if self._direct:
            return self._exchange.get(self._direct, {}, extra)
        answer = self._exchange.get(remote.url, remote.headers, extra)
        same_host = answer.url.split("/")[:3] == remote.url.split("/")[:3]
        self._direct = "" if same_host else answer.url
        return answer

    def _check(self, answer: Answer, claim: Claim) -> None:
        """See that the answer is what was asked for; raise Changed, Cut or DownloadFailed."""
        identity, known = self._orders.partial.identity, bool(self._orders.remote.sha256)
        etag = version(answer.headers)
        ranges = answer.status == _PARTIAL_CONTENT
        start, total = ranged(answer.headers) if ranges else (0, answer.length or 0)
        other = bool(identity.etag and etag and etag != identity.etag and not known)
        if other or (total and identity.size and total != identity.size):
            raise Changed(total, etag)
        if ranges and start != claim.start:
            raise Cut("the server sent another range than the one asked for")
        if start != claim.start and not self._orders.begin_again(claim):
            raise Cut("the server sends the whole file only")
        if not identity.size and total:
            self._orders.partial.settle(total)
            claim.end = total

    @staticmethod
    def _wrong_range(refused: Refused, size: int) -> Exception:
        total = ranged(refused.headers)[1]
        if total and total != size:
            return Changed(total, version(refused.headers))
        return Cut("the server refuses the range that is missing")
