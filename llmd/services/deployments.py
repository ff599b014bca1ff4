"""Deployments: which there are, and what becomes of them. A job belongs to the daemon, not to who
ordered it, and is kept in the database at each step: a daemon that was killed in the middle of one
goes on with it when it starts again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field

import structlog

from llmd.errors import Draining, LlmdError, ModelBusy, ModelNotFound, QueueFull
from llmd.models.catalog import Catalogue
from llmd.models.quantization import stem_of
from llmd.protocol.callers import Caller
from llmd.protocol.deployments import (
    Deployment,
    DeploymentOrder,
    Removal,
    StageName,
)
from llmd.runtime.room import MAIN_MEMORY
from llmd.services.deploying import Carrier, Course, Terms, agreed
from llmd.services.deploying.course import begun
from llmd.services.deploying.terms import without_lifetime
from llmd.services.library import Library
from llmd.services.machine import Machine
from llmd.services.residents import Residents
from llmd.storage.deployments import DeploymentRepository

_AT_ONCE = 4
_MOST = 64
_KEPT = 200
_SAVE_EVERY = 5.0
_IN_MEMORY = frozenset({StageName.LOADING, StageName.REGISTRATION})


@dataclass(eq=False, slots=True)
class _Job:
    """A deployment that this daemon is at."""

    course: Course
    terms: Terms
    task: asyncio.Task[None] | None = None
    unwanted: bool = False
    """Whether somebody has cancelled it."""
    saved: tuple[int, float] = field(default=(-1, 0.0))
    """What was kept last, and when."""

    @property
    def deployment(self) -> Deployment:
        return self.course.deployment


class Deployments:
    """What the deploy calls need."""

    def __init__(  # noqa: PLR0913, PLR0917  a job passes through all of them
        self,
        repository: DeploymentRepository,
        carrier: Carrier,
        machine: Machine,
        library: Library,
        residents: Residents,
        catalogue: Catalogue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._repository = repository
        self._carrier = carrier
        self._machine = machine
        self._library = library
        self._residents = residents
        self._catalogue = catalogue
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._others: set[asyncio.Task[None]] = set()
        """Models that are leaving, and the first look at what an earlier daemon left."""
        self._turn = asyncio.Lock()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._closed = False

    async def deploy(self, caller: Caller, order: DeploymentOrder) -> Deployment:
        """Begin a deployment, or return the one of the same model that goes on already.

        Raises InvalidRequest for what cannot be had, ModelNotFound with near names, ModelBusy while
        the same model is deployed with other options, QueueFull, Draining, and StorageFailed or
        NoRoom when it cannot be kept.
        """
        terms = await self._terms(order)
        outlook = await self._carrier.outlook(terms)
        async with self._turn:
            if running := self._same(terms):
                return running.deployment
            self._check_open()
            new = begun(outlook.model, order, caller.user, [self._machine.node], self._clock())
            job = _Job(Course(new, self._clock), terms)
            job.course.expect(outlook.seconds)
            await self._repository.put(job.deployment)
            self._start(job)
        return job.deployment

    async def get(self, identity: str) -> Deployment:
        """Return one; raise NotFound or StorageFailed."""
        if job := self._jobs.get(identity):
            return job.deployment
        return await self._repository.get(identity)

    def under_way(self) -> tuple[Deployment, ...]:
        """Return those that go on, oldest first."""
        return tuple(job.deployment for job in self._jobs.values() if not job.course.over)

    async def list(self, skip: int = 0, limit: int = 100) -> list[Deployment]:
        """Return this daemon's, newest first; raise StorageFailed."""
        kept = await self._repository.latest(skip, limit)
        return [self._jobs[one.id].deployment if one.id in self._jobs else one for one in kept]

    async def unload(self, name: str, *, force: bool = False) -> Removal:
        """Begin to take a model out of memory; one that is being deployed is cancelled instead, and
        what was loaded for it leaves unless others use it.

        Raises ModelNotFound, ModelNotLoaded, and unless `force` ModelBusy for one that is answering
        or being loaded for others.
        """
        name = self._library.meant(name)
        nodes = [self._machine.node]
        if job := self._deploying(name):
            # to its end, also when whoever asks does not wait for it
            await asyncio.wait([self._keep(self._cancel(job, force=force))])
            return Removal(model_id=job.deployment.model_id, status="cancelled", nodes=nodes)
        known = await self._loaded_as(name)
        leaving = asyncio.ensure_future(
            self._residents.unload(known, everything=False, force=force)
        )
        await asyncio.sleep(0)  # it refuses before it waits for anything
        if leaving.done():
            leaving.result()
        self._keep(leaving)
        return Removal(model_id=known, status="unloading", nodes=nodes)

    def resume(self) -> None:
        """Go on with what an earlier daemon left; at once nothing happens."""
        self._keep(self._resume())

    async def close(self) -> None:
        """Stop; the next daemon goes on."""
        self._closed = True
        tasks = [job.task for job in self._jobs.values() if job.task]
        for task in [*tasks, *self._others]:
            task.cancel()
        await asyncio.gather(*tasks, *self._others, return_exceptions=True)

    async def _terms(self, order: DeploymentOrder) -> Terms:
        models = await self._library.models()
        gpus = [room for room in await self._machine.rooms() if room.device != MAIN_MEMORY]
        return await asyncio.to_thread(
            agreed,
            order,
            self._catalogue,
            [model.name for model in models],
            len(gpus),
            [self._machine.node],
        )

    def _same(self, terms: Terms) -> _Job | None:
        """Return the job of the same model; raise ModelBusy where its options differ."""
        jobs = [job for job in self._jobs.values() if not job.course.over]
        job = next((job for job in jobs if job.terms.key == terms.key), None)
        if job and without_lifetime(job.terms.options) != without_lifetime(terms.options):
            raise ModelBusy(
                f"{job.deployment.model_id} is being deployed with other options.",
                hint=f"Wait for {job.deployment.id} to end, or cancel it by unloading the model.",
                deployment_id=job.deployment.id,
            )
        return job

    def _check_open(self) -> None:
        if self._closed:
            raise Draining(
                "llmd is shutting down and begins no deployments.",
                hint="Try again once it is back.",
                retry_after=5,
            )
        if len(self._jobs) >= _MOST:
            raise QueueFull(
                f"{_MOST} deployments are under way already.",
                hint="Wait until some of them have ended.",
                retry_after=60,
            )

    def _start(self, job: _Job) -> None:
        self._jobs[job.deployment.id] = job
        # a context of its own: the job is no part of the request that ordered it
        job.task = Context().run(asyncio.ensure_future, self._carry(job))
        job.task.add_done_callback(_report)

    async def _carry(self, job: _Job) -> None:
        course = job.course
        try:
            async with self._places:
                await self._carrier.carry(course, job.terms, lambda: self._save(job))
            course.complete()
        except Draining:
            course.say("llmd is shutting down; it goes on with this when it is back.", "warning")
        except LlmdError as error:
            course.fail(error)
        except asyncio.CancelledError:
            if job.unwanted:
                course.cancel()
            else:
                course.say("llmd was stopped; it goes on with this when it is back.", "warning")
            raise
        except BaseException:
            course.fail(LlmdError("llmd made an internal error.", hint="`llmd logs` has it."))
            raise
        finally:
            await self._put_away(job)

    async def _put_away(self, job: _Job) -> None:
        """Keep how a job ended, or how far it is when the daemon stops."""
        try:
            await self._repository.put(job.deployment)
            if job.course.over:
                await self._repository.prune(_KEPT)
                self._jobs.pop(job.deployment.id, None)
        except LlmdError as error:
            # it stays among the jobs, so that those who ask hear how it ended
            structlog.get_logger("deployments").error(
                "cannot be kept", deployment=job.deployment.id, reason=str(error)
            )
        now = job.deployment
        structlog.get_logger("deployments").info(
            "deployment", deployment=now.id, model=now.model_id, status=str(now.status)
        )

    async def _save(self, job: _Job) -> None:
        """Keep a job where there is news, and every few seconds."""
        news, at = job.saved
        if job.course.news == news and self._clock() - at < _SAVE_EVERY:
            return
        job.saved = (job.course.news, self._clock())
        await self._repository.put(job.deployment)

    async def _cancel(self, job: _Job, *, force: bool) -> None:
        job.unwanted = True
        if job.task:
            job.task.cancel()
            await asyncio.wait([job.task])
        if job.deployment.current_stage not in _IN_MEMORY:
            return
        model = job.deployment.model_id
        loaded = self._library.loaded(model)
        if force or not (loaded and (loaded.running or loaded.waiting)):
            with suppress(ModelNotFound):
                await self._residents.unload(model, everything=False, force=True)

    def _deploying(self, name: str) -> _Job | None:
        wanted = name.casefold()
        return next(
            (
                job
                for job in self._jobs.values()
                if wanted in {job.deployment.model_id.casefold(), job.terms.key}
                and not job.course.over
            ),
            None,
        )

    async def _loaded_as(self, name: str) -> str:
        """Return what a model is called: of several variants the one that is loaded."""
        wanted = name.casefold()
        loaded = [model.name for model in self._residents.models()]
        if not any(one.casefold() == wanted for one in loaded):
            variants = [one for one in loaded if stem_of(one).casefold() == wanted]
            if len(variants) == 1:
                return variants[0]
        return (await self._library.get(name)).name

    async def _resume(self) -> None:
        for deployment in await self._repository.unfinished():
            course = Course(deployment, self._clock)
            try:
                terms = await self._terms(deployment.order)
            except LlmdError as error:
                course.fail(error)
                await self._repository.put(course.deployment)
                continue
            if self._closed or deployment.id in self._jobs:
                continue
            course.say("llmd was started again and goes on.")
            self._start(_Job(course, terms))

    def _keep(self, work: Awaitable[object]) -> asyncio.Task[None]:
        async def run() -> None:
            await work

        task = asyncio.ensure_future(run())
        self._others.add(task)
        task.add_done_callback(self._others.discard)
        task.add_done_callback(_report)
        return task


def _report(task: asyncio.Task[None]) -> None:
    """Log what nobody waits for."""
    if not task.cancelled() and (error := task.exception()):
        structlog.get_logger("deployments").error("failed", exc_info=error)
