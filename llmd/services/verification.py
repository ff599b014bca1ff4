"""Reads models whole and says which are damaged. Reading happens in threads, a fifth of a second at
a time, and ends when nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, closing
from pathlib import Path

import msgspec

from llmd.errors import LlmdError, ModelNotFound
from llmd.models.integrity.digests import expected
from llmd.models.integrity.reading import Reader
from llmd.models.integrity.usage import files_of
from llmd.models.mending import Mending
from llmd.models.rate import Rate
from llmd.models.sources.transfer import pieces
from llmd.models.store import ModelStore
from llmd.protocol.integrity import (
    SOUND,
    FileHealth,
    Health,
    ModelHealth,
    Verified,
    VerifyProgress,
)
from llmd.protocol.models import ModelManifest

VerifyEvent = VerifyProgress | ModelHealth | Verified


class Verification:
    """What `llmd verify` needs."""

    def __init__(self, store: ModelStore, mending: Mending) -> None:
        self._store = store
        self._mending = mending

    async def verify(
        self, names: Iterable[str], *, repair: bool = False
    ) -> AsyncGenerator[VerifyEvent]:
        """Check models, all of them when none is named: progress, each one's health, the summary.
        `repair` fetches damaged parts again.

        Raises ModelNotFound.
        """
        models = await asyncio.to_thread(self._models, list(names))
        of_name = {model.name: model for model in models}
        damaged: list[str] = []
        async with aclosing(self._walk(models)) as events:
            async for event in events:
                async for outcome in self._outcome(of_name, event, repair=repair):
                    if isinstance(outcome, ModelHealth) and not outcome.sound:
                        damaged.append(outcome.name)
                    yield outcome
        yield Verified(models=len(models), damaged=damaged)

    async def _walk(
        self, models: list[ModelManifest]
    ) -> AsyncGenerator[VerifyProgress | ModelHealth]:
        walk = Walk(models, self._mending.records)
        async with aclosing(_in_thread(walk.run())) as events:
            async for event in events:
                if isinstance(event, ModelHealth):
                    await asyncio.to_thread(self._record, event)
                yield event

    async def _outcome(
        self, models: dict[str, ModelManifest], event: VerifyProgress | ModelHealth, *, repair: bool
    ) -> AsyncGenerator[VerifyProgress | ModelHealth]:
        """Pass on what checking said, or what repairing came to."""
        if isinstance(event, VerifyProgress) or event.sound or not repair:
            yield event
            return
        async with aclosing(self._repaired(models[event.name], event)) as events:
            async for later in events:
                yield later

    async def _repaired(
        self, model: ModelManifest, health: ModelHealth
    ) -> AsyncGenerator[VerifyProgress | ModelHealth]:
        """Mend a model's files and check them again; at last its health."""
        try:
            for file in health.files:
                if file.state not in SOUND:
                    async for progress in self._mended(model, file):
                        yield progress
        except LlmdError as error:
            yield msgspec.structs.replace(health, note=f"It cannot be repaired: {error}")
            return
        async for event in self._walk([model]):
            whole = isinstance(event, ModelHealth) and event.sound
            yield msgspec.structs.replace(event, repaired=True) if whole else event

    async def _mended(
        self, model: ModelManifest, file: FileHealth
    ) -> AsyncGenerator[VerifyProgress]:
        async with aclosing(self._mending.mend(model, file)) as steps:
            async for step in steps:
                yield VerifyProgress(
                    status="repairing",
                    model=model.name,
                    file=file.path,
                    done=step.done,
                    total=step.total,
                    rate=step.rate,
                )

    def _models(self, names: list[str]) -> list[ModelManifest]:
        if not names:
            return self._store.list()
        found = [self._store.find(name) for name in names]
        return list({model.name: model for model in found}.values())

    def _record(self, health: ModelHealth) -> None:
        """Keep digests that nobody knew before."""
        new = {file.path: file.sha256 for file in health.files if file.state is Health.RECORDED}
        if not new:
            return

        def edit(model: ModelManifest) -> ModelManifest:
            return msgspec.structs.replace(model, digests={**model.digests, **new})

        with contextlib.suppress(ModelNotFound):  # removed meanwhile, or another file of it is gone
            self._store.change(health.name, edit)


class Walk:
    """Checks models one after the other; a file that several have is read once."""

    def __init__(self, models: list[ModelManifest], records: Path) -> None:
        """`records`: the folder with the digests of pieces."""
        self._models = models
        self._records = records
        self._known: dict[tuple[str, str], FileHealth] = {}
        self._done = 0
        self._rate = Rate()
        self._total = sum(_size(path) for path in self._to_read())

    def run(self) -> Generator[VerifyProgress | ModelHealth]:
        """Yield progress, and each model's health."""
        for model in self._models:
            files = []
            for path in files_of(model):
                health = yield from self._file(model, path)
                files.append(health)
            note = _advice(model, files)
            yield ModelHealth(name=model.name, files=files, note=note)

    def _file(self, model: ModelManifest, path: str) -> Generator[VerifyProgress, None, FileHealth]:
        wanted = expected(model, path)
        if known := self._known.get((path, wanted)):
            return _kept(model, known)
        record = pieces.find(self._records, wanted) if wanted else None
        marks = record.marks if record else {}
        before = self._done
        with closing(Reader(Path(path), wanted, marks).run()) as steps:
            try:
                while True:
                    self._done = before + next(steps)
                    yield self._progress(model, path)
            except StopIteration as end:
                health: FileHealth = end.value
        self._done = before + health.size
        self._known[path, wanted] = health
        return _kept(model, health)

    def _progress(self, model: ModelManifest, path: str) -> VerifyProgress:
        return VerifyProgress(
            model=model.name,
            file=path,
            done=self._done,
            total=self._total,
            rate=self._rate.add(time.monotonic(), self._done),
        )

    def _to_read(self) -> set[str]:
        return {path for model in self._models for path in files_of(model)}


def _kept(model: ModelManifest, health: FileHealth) -> FileHealth:
    """Return a file's health as it is for this model: the built-in one has no record."""
    if health.state is Health.RECORDED and model.source == "builtin":
        return msgspec.structs.replace(health, state=Health.STRUCTURE)
    return health


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _advice(model: ModelManifest, files: list[FileHealth]) -> str:
    bad = [file for file in files if file.state not in SOUND]
    if not bad:
        return ""
    if model.source.startswith("file://"):
        return f"Put a sound copy there; if it was replaced on purpose: llmd import {model.path}."
    return f"Fetch it again: llmd rm {model.name}, then llmd pull {model.source}."


async def _in_thread(
    steps: Generator[VerifyProgress | ModelHealth],
) -> AsyncGenerator[VerifyProgress | ModelHealth]:
    """Advance a generator in threads; leaving waits for the step that goes on."""
    step: asyncio.Future[VerifyProgress | ModelHealth | None] | None = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, steps, None))
            event = await asyncio.shield(step)
            if event is None:
                return
            yield event
    finally:
        if step is not None and not step.done():
            await asyncio.wait([step])
        steps.close()
