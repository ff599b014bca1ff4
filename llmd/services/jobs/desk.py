"""All jobs of a daemon: begins them, follows them, keeps how they ended for a while."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import Context
from typing import Any

import msgspec
import structlog

from llmd.errors import Draining, LlmdError, NotFound, QueueFull
from llmd.services.jobs.orders import (
    Event,
    Job,
    LoadOrder,
    Order,
    PullOrder,
    Stage,
    advanced,
    fault,
)
from llmd.services.jobs.unfinished import Orders, Unfinished

_MOST = 32
"""Jobs that may go on at the same time."""
_KEPT = 50
"""Ended jobs that are remembered."""
_SHOWN_FOR = 600.0
"""Seconds for which what is done, or was stopped, is remembered."""
_LOADED_FOR = 10.0
"""The same of a model that was loaded: it is to be seen elsewhere."""

_BUG = "llmd made an internal error."
_HINT = "`llmd logs` has the details; please report them."

Start = Callable[[Order], AsyncGenerator[Event]]


class Jobs:
    """What the pages need for work that outlives a request; `canonical` tells names apart."""

    def __init__(
        self,
        start: Start,
        unfinished: Unfinished,
        canonical: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._start = start
        self._unfinished = unfinished
        self._canonical = canonical
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping: set[str] = set()
        self._closed = False

    async def open(self) -> None:
        """Offer the downloads that an earlier daemon did not finish."""
        for order in await self._unfinished.read():
            job = Job(id=_identity(), order=order, stage=Stage.LEFT, begun=self._clock())
            self._jobs[job.id] = job

    def list(self) -> list[Job]:
        """Return all jobs, what goes on first, else the latest first."""
        self._forget()
        jobs = sorted(self._jobs.values(), key=lambda job: -job.begun)
        return sorted(jobs, key=lambda job: not job.live)

    def get(self, identity: str) -> Job:
        """Return one; raise NotFound."""
        if job := self._jobs.get(identity):
            return job
        raise NotFound("This job is over and forgotten.", hint="Load the page again.")

    def begin(self, order: Order) -> Job:
        """Begin what is ordered, or return the job that is at it already; raise QueueFull or
        Draining.
        """
        if running := self._same(order):
            return self._adjusted(running, order)
        for job in list(self._jobs.values()):
            if not job.live and self._alike(job.order, order):
                del self._jobs[job.id]
        return self._run(Job(id=_identity(), order=order, begun=self._clock()))

    def resume(self, identity: str) -> Job:
        """Go on with what was stopped or has failed; raise NotFound, QueueFull or Draining."""
        job = self.get(identity)
        if not job.resumable:
            return job
        if running := self._same(job.order):
            return running
        return self._run(Job(id=job.id, order=job.order, begun=self._clock(), name=job.name))

    def hurry(self, identity: str) -> Job:
        """Have a download go on now, whatever the hours; raise NotFound."""
        job = self.get(identity)
        if not isinstance(job.order, PullOrder) or not job.live:
            return job
        return self._adjusted(job, msgspec.structs.replace(job.order, now=True))

    async def cancel(self, identity: str) -> None:
        """Stop a job, and wait until it has; a download keeps what has come. Raises NotFound."""
        self.get(identity)
        if task := self._tasks.get(identity):
            self._stopping.add(identity)
            task.cancel()
            await asyncio.wait([task])

    def dismiss(self, identity: str) -> None:
        """Forget a job that has ended; raise NotFound."""
        if not self.get(identity).live:
            del self._jobs[identity]
            self._keep()

    async def close(self) -> None:
        """Stop all; downloads are offered again by the next daemon."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._unfinished.close()

    def _run(self, job: Job) -> Job:
        if self._closed:
            raise Draining("llmd is shutting down.", hint="Try again once it is back.")
        if len(self._tasks) >= _MOST:
            raise QueueFull(
                f"{_MOST} jobs go on already.", hint="Wait for one of them to end, or stop one."
            )
        self._jobs[job.id] = job
        # a context of its own: the job is no part of the request that ordered it
        task = Context().run(asyncio.ensure_future, self._carry(job.id))
        task.add_done_callback(_report)
        self._tasks[job.id] = task
        self._keep()
        return job

    async def _carry(self, identity: str) -> None:
        try:
            async with aclosing(self._start(self._jobs[identity].order)) as events:
                async for event in events:
                    self._jobs[identity] = advanced(self._jobs[identity], event)
        except LlmdError as error:
            lost = isinstance(error, Draining)
            self._end(identity, Stage.LEFT if lost else Stage.FAILED, fault=fault(error))
        except asyncio.CancelledError:
            self._end(identity, Stage.STOPPED if identity in self._stopping else Stage.LEFT)
            raise
        else:
            bad = self._jobs[identity].fault is not None
            self._end(identity, Stage.FAILED if bad else Stage.DONE)
        finally:
            if self._jobs[identity].live:  # a bug, which `_report` tells of
                self._end(identity, Stage.FAILED, fault=fault(LlmdError(_BUG, hint=_HINT)))

    def _end(self, identity: str, stage: Stage, **fields: Any) -> None:
        now = self._clock()
        self._jobs[identity] = msgspec.structs.replace(
            self._jobs[identity], stage=stage, ended=now, rate=0.0, remaining=None, **fields
        )
        self._tasks.pop(identity, None)
        self._stopping.discard(identity)
        self._keep()

    def _adjusted(self, job: Job, order: Order) -> Job:
        """Have a download that goes on already take the wishes of a new order."""
        if not isinstance(order, PullOrder) or not isinstance(job.order, PullOrder):
            return job
        limit = job.order.limit if order.limit is None else order.limit
        merged = msgspec.structs.replace(job.order, limit=limit, now=job.order.now or order.now)
        if merged != job.order:
            self._jobs[job.id] = msgspec.structs.replace(job, order=merged)
            self._tasks[f"{job.id}+"] = asyncio.ensure_future(self._tell(job.id, merged))
        return self._jobs[job.id]

    async def _tell(self, identity: str, order: PullOrder) -> None:
        """Join a download for a moment: that is how it learns of a wish."""
        try:
            async with aclosing(self._start(order)) as events:
                await anext(events, None)
        except LlmdError:
            pass  # the job itself fails of it, and says so
        finally:
            self._tasks.pop(f"{identity}+", None)

    def _same(self, order: Order) -> Job | None:
        live = (job for job in self._jobs.values() if job.live)
        if isinstance(order, PullOrder):
            return next((job for job in live if self._alike(job.order, order)), None)
        return next((job for job in live if job.order == order), None)

    def _alike(self, one: Order, other: Order) -> bool:
        """Whether two orders are about the same thing."""
        if type(one) is not type(other):
            return False
        if isinstance(one, PullOrder):
            names = (self._canonical(order.model).casefold() for order in (one, other))
            return len(set(names)) == 1
        return one.model == other.model

    def _forget(self) -> None:
        now = self._clock()
        ended = sorted((job for job in self._jobs.values() if not job.live), key=lambda j: j.ended)
        kept = [job for job in ended if job.lasting or now - job.ended < _shown_for(job)][-_KEPT:]
        for job in ended:
            if job not in kept:
                del self._jobs[job.id]

    def _keep(self) -> None:
        self._unfinished.keep(self._pulls)

    def _pulls(self) -> Orders:
        """Return the downloads that have not come to their end."""
        return [
            job.order
            for job in self._jobs.values()
            if isinstance(job.order, PullOrder) and job.stage is not Stage.DONE
        ]


def _shown_for(job: Job) -> float:
    return _LOADED_FOR if isinstance(job.order, LoadOrder) else _SHOWN_FOR


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        structlog.get_logger("models").error("bug", exc_info=error)


def _identity() -> str:
    return secrets.token_hex(6)
