"""Models that are on this machine already: what other tools have, and files that a user names.

Disk work runs in threads; a copy goes on only while somebody watches it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from llmd.errors import LlmdError
from llmd.models.adoption import adopting, survey
from llmd.models.adoption.find import Find
from llmd.models.adoption.keeping import Keeping
from llmd.models.adoption.places import known_places
from llmd.models.adoption.survey import Judged
from llmd.models.manifest import pooled
from llmd.models.names import expanded, name_from_file
from llmd.models.rate import Rate
from llmd.models.store import ModelStore
from llmd.protocol.adoption import Failure, Keep, Place, Standing, Survey, Tool
from llmd.protocol.models import ModelManifest, PullProgress
from llmd.protocol.questions import Pooling
from llmd.services.library import check_pooling

AdoptionEvent = PullProgress | ModelManifest | Failure

_REPORT_EVERY = 0.25


class Adoption:
    """What `llmd import` needs beyond the library."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    async def survey(self, places: Sequence[Place] | None = None) -> Survey:
        """Return what is in places, or (None) where tools keep models for the daemon's user."""
        _, found = await asyncio.to_thread(self._judge, places)
        return found

    async def adopt(
        self, places: Sequence[Place] | None, wanted: Sequence[str] | None, how: Keep
    ) -> AsyncGenerator[AdoptionEvent]:
        """Register the new finds among places whose name is wanted, or (None) all of them: progress
        of copies, then each model's manifest or why it failed, at last `done`.
        """
        judged, _ = await asyncio.to_thread(self._judge, places)
        chosen = None if wanted is None else set(wanted)
        for one in judged:
            new = one.finding.standing is Standing.NEW
            if not new or (chosen is not None and one.finding.name not in chosen):
                continue
            async with aclosing(self._registered(one, how)) as events:
                async for event in events:
                    yield event
        yield PullProgress(status="done")

    async def add(
        self, path: str, name: str | None, projector: str | None, pooling: Pooling, how: Keep
    ) -> AsyncGenerator[PullProgress | ModelManifest]:
        """Register one file as `Library.add` does, under a name of llmd's own: progress of the
        copy, then its manifest. Raises as that does, and as `keeping.keep`.
        """
        await asyncio.to_thread(check_pooling, path, pooling)
        find = _named(path, name, projector)

        def work(keeping: Keeping) -> ModelManifest:
            model = adopting.register(self._store, find, (), how, keeping)
            if pooling is Pooling.MODEL:
                return model
            return self._store.change(model.name, lambda made: pooled(made, pooling))

        async with aclosing(_watched(find.name, work)) as events:
            async for event in events:
                yield event

    def _judge(self, places: Sequence[Place] | None) -> tuple[list[Judged], Survey]:
        if places is None:
            places = known_places(os.environ, Path.home())
        return survey.judge(places, self._store.list())

    async def _registered(self, one: Judged, how: Keep) -> AsyncGenerator[AdoptionEvent]:
        def work(keeping: Keeping) -> ModelManifest:
            return adopting.register(self._store, one.find, one.adapters, how, keeping)

        try:
            async with aclosing(_watched(one.find.name, work)) as events:
                async for event in events:
                    yield event
        except LlmdError as error:
            yield Failure(one.finding.name, str(error))


def _named(path: str, name: str | None, projector: str | None) -> Find:
    file = Path(os.path.abspath(expanded(Path(path))))
    return Find(
        Tool.FOLDER, file, name or name_from_file(file), f"file://{file}", projector=projector
    )


async def _watched(
    name: str, work: Callable[[Keeping], ModelManifest]
) -> AsyncGenerator[PullProgress | ModelManifest]:
    """Run work in a thread; yield how far it is while it copies, then what it returns."""
    keeping, rate = Keeping(), Rate()
    running = asyncio.ensure_future(asyncio.to_thread(work, keeping))
    try:
        while not running.done():
            await asyncio.wait([running], timeout=_REPORT_EVERY)
            if keeping.total and not running.done():
                yield PullProgress(
                    status="copying",
                    name=name,
                    file=keeping.file,
                    done=keeping.done,
                    total=keeping.total,
                    rate=rate.add(time.monotonic(), keeping.done),
                )
        yield running.result()
    finally:
        keeping.stop()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # nobody is left to hear of it
