"""One download: a source program, those who watch it, and the hours it must keep to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from llmd.config.hours import Hours
from llmd.errors import LlmdError
from llmd.models.child import Throttle, running
from llmd.models.ordering import Order
from llmd.models.pacing import Pacing
from llmd.models.rate import Rate
from llmd.models.sources.lines import Fetched, Named, Progress, Terms
from llmd.models.watched import Watched
from llmd.protocol.models import ModelManifest, PullProgress

PullEvent = PullProgress | ModelManifest
Say = Callable[[PullProgress], None]
Finish = Callable[[Fetched, Say], Awaitable[ModelManifest]]
"""Registers what came, and has what goes with it fetched."""
Accept = Callable[[Named], Awaitable[None]]
"""Raises what is against fetching it."""

# clocks are set, machines sleep: the hours are looked at again after so many seconds
_LONGEST_NAP = 60.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds for all downloads."""

    pacing: Pacing
    hours: Hours = field(default_factory=lambda: Hours(""))
    terms: Terms = field(default_factory=Terms)
    clock: Callable[[], datetime] = lambda: datetime.now().astimezone()


class Courier(Watched[PullProgress, ModelManifest]):
    """Runs until the model is registered, or nobody watches any more."""

    def __init__(
        self, order: Order, conditions: Conditions, finish: Finish, accept: Accept | None = None
    ) -> None:
        self._order = order
        self._conditions = conditions
        self._finish = finish
        self._accept = accept
        self._throttle = Throttle()
        self._own_limit = 0
        self._rate = Rate()
        self._hurry = asyncio.Event()
        super().__init__(
            PullProgress(status="resolving", name=order.shown),
            lambda _: self._run(),
            LlmdError(
                "The download was stopped.", hint="What has come is kept; pull again to go on."
            ),
        )

    def adjust(self, limit: int | None, *, now: bool) -> None:
        """Take what one more caller wishes: another limit in bytes per second (0: none; None: as
        it is), or to go on `now`, whatever the hours.
        """
        if limit is not None:
            self._own_limit = limit
            self._conditions.pacing.join(self._throttle, limit)
        if now:
            self._hurry.set()

    async def _run(self) -> ModelManifest:
        fetched = None
        while fetched is None:
            await self._opened()
            fetched = await self._fetch_within_hours()
        return await self._finish(fetched, self._say)

    async def _opened(self) -> None:
        """Wait for the hours, unless somebody is in a hurry."""
        conditions = self._conditions
        while not self._hurry.is_set() and not conditions.hours.contain(conditions.clock()):
            opening = conditions.hours.opening(conditions.clock())
            seconds = (opening - conditions.clock()).total_seconds()
            self._say(
                msgspec.structs.replace(
                    self._latest,
                    status="waiting",
                    rate=0.0,
                    remaining=None,
                    note="downloads wait for their hours (downloads.hours)",
                    waiting_until=opening.timestamp(),
                )
            )
            await self._nap(seconds)

    async def _fetch_within_hours(self) -> Fetched | None:
        """Return what came; None: the hours ended before."""
        fetching = asyncio.ensure_future(self._fetch())
        try:
            while not fetching.done():
                closing = self._conditions.hours.closing(self._conditions.clock())
                if self._hurry.is_set() or not self._conditions.hours:
                    await fetching
                elif closing is None:
                    return None
                else:
                    seconds = (closing - self._conditions.clock()).total_seconds()
                    await self._nap(seconds, fetching)
            return fetching.result()
        finally:
            fetching.cancel()
            await asyncio.wait([fetching])

    async def _nap(self, seconds: float, other: asyncio.Future[Fetched] | None = None) -> None:
        """Wait, but no longer than until somebody is in a hurry or `other` is done."""
        hurry = asyncio.ensure_future(self._hurry.wait())
        waited: set[asyncio.Future[Any]] = {hurry}
        if other is not None:
            waited.add(other)
        try:
            await asyncio.wait(
                waited,
                timeout=min(max(seconds, 0.0), _LONGEST_NAP),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            hurry.cancel()

    async def _fetch(self) -> Fetched:
        conditions, order = self._conditions, self._order
        terms = msgspec.structs.replace(conditions.terms, asks=True)
        conditions.pacing.join(self._throttle, self._own_limit)
        module = f"llmd.models.sources.{order.source}"
        try:
            async with running(
                module, *order.arguments, throttle=self._throttle, terms=terms
            ) as lines:
                async for line in lines:
                    if isinstance(line, Fetched):
                        return line
                    if isinstance(line, Progress):
                        self._say(self._progress(line))
                    else:
                        await self._allow(line)
        finally:
            conditions.pacing.leave(self._throttle)
        raise AssertionError("a source ends with a result or raises")

    async def _allow(self, named: Named) -> None:
        """Let the program fetch what it named, unless something is against it."""
        if self._accept:
            await self._accept(named)
        self._throttle.go()

    def _progress(self, line: Progress) -> PullProgress:
        rate = 0.0
        if line.status == "downloading":
            rate = self._rate.add(time.monotonic(), line.done)
            self._conditions.pacing.observe(self._throttle, rate)
        left = max(line.total - line.done, 0)
        return PullProgress(
            status=line.status,
            name=self._order.shown,
            file=line.file,
            done=line.done,
            total=line.total,
            rate=rate,
            remaining=left / rate if rate and line.total else None,
            note=line.note,
        )
