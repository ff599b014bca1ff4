"""A request outlives the worker that died under it: replayed once, alone, if nothing of its answer
was seen yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from llmd.errors import PoisonRequest, WorkerDied
from llmd.protocol.events import Accepted, Delta, Event
from llmd.protocol.models import ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Question
from llmd.protocol.requests import GenerateRequest
from llmd.runtime.pool import Pool
from llmd.runtime.residence import Residence
from llmd.runtime.supervisor import poison
from llmd.runtime.workers import R


class Replay:
    """Answers requests through the pool.

    A worker dies with everything in its batch, and nobody can tell which request killed it. So
    those that had shown nothing yet run again one at a time, new ones waiting behind them: one that
    kills a worker while it is alone is the culprit; it fails as PoisonRequest and is not tried
    again. One that had shown text fails with a retriable WorkerDied.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._log = structlog.get_logger("replay")

    async def generate(
        self,
        manifest: ModelManifest,
        request: GenerateRequest,
        wish: LoadOptions = LoadOptions(),  # noqa: B008  frozen
    ) -> AsyncGenerator[Event]:
        """Answer a request; events and errors as in `Worker`, and what loading raises. `wish` is
        heeded where the model must be loaded for it.
        """
        place = self._pool.place(manifest)
        accepted = shown = False
        await _admitted(place)
        try:
            async with (
                self._pool.lease(manifest, request.prompt, wish) as worker,
                aclosing(worker.generate(request)) as events,
            ):
                async for event in events:
                    accepted = True
                    shown = shown or isinstance(event, Delta)
                    yield event
            place.backoff.worked()
            return
        except WorkerDied as error:
            if shown or not _replayable(error):
                raise
            self._log.warning(
                "replaying alone", model=manifest.name, cause=error.details.get("cause")
            )
        async with aclosing(self._alone(place, request, wish)) as events:
            async for event in events:
                if not (accepted and isinstance(event, Accepted)):
                    yield event

    async def ask(
        self,
        manifest: ModelManifest,
        question: Question,
        kind: type[R],
        wish: LoadOptions = LoadOptions(),  # noqa: B008  frozen
    ) -> R:
        """Answer a question; errors as in `Worker`, and what loading raises."""
        place = self._pool.place(manifest)
        await _admitted(place)
        try:
            async with self._pool.lease(manifest, wish=wish) as worker:
                return await worker.ask(question, kind)
        except WorkerDied as error:
            if not _replayable(error):
                raise
        async with place.quarantine:
            try:
                async with self._pool.lease(manifest, wish=wish, alone=True) as worker:
                    return await worker.ask(question, kind)
            except WorkerDied as error:
                raise self._poison(place, error) from error

    async def _alone(
        self, place: Residence, request: GenerateRequest, wish: LoadOptions
    ) -> AsyncGenerator[Event]:
        """Run with the quarantine held until text appears: from then on a death would not be
        replayed anyway.
        """
        shown = False
        lock = _Held(place.quarantine)
        await lock.acquire()
        try:
            async with (
                self._pool.lease(place.manifest, request.prompt, wish, alone=True) as worker,
                aclosing(worker.generate(request)) as events,
            ):
                async for event in events:
                    if isinstance(event, Delta):
                        shown = True
                        lock.release()
                    yield event
            place.backoff.worked()
        except WorkerDied as error:
            if shown or not _replayable(error):
                raise
            raise self._poison(place, error) from error
        finally:
            lock.release()

    def _poison(self, place: Residence, error: WorkerDied) -> PoisonRequest:
        self._log.error(
            "poison request", model=place.manifest.name, cause=error.details.get("cause")
        )
        return poison(place.manifest.name, error.details.get("cause"))


async def _admitted(place: Residence) -> None:
    """Wait while others are being tried alone and leave no worker free."""
    if place.crowded:
        async with place.quarantine:
            pass


class _Held:
    """A lock that may be released more than once."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._held = False

    async def acquire(self) -> None:
        await self._lock.acquire()
        self._held = True

    def release(self) -> None:
        if self._held:
            self._held = False
            self._lock.release()


def _replayable(error: WorkerDied) -> bool:
    """Whether a worker died under the request; being held back by back-off or unloaded on purpose
    is no such death.
    """
    return error.details.get("cause") not in {None, "stopped"}
