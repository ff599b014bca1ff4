"""Quantising, as a use case: one model at a time, joined by equal orders, registered when it is
whole. Refuses while the daemon drains.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import msgspec
import structlog

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models import files, safetensors, variant_files
from llmd.models.names import PathReference, Reference, parse
from llmd.models.quantization import TYPES, FileType, check, find, refusal, variant_name
from llmd.models.rate import Rate
from llmd.models.store import ModelStore
from llmd.models.watched import Joint
from llmd.protocol.models import ModelManifest
from llmd.protocol.quantization import (
    Advanced,
    QuantizeOrder,
    QuantizeProgress,
    Recipe,
    Sized,
    Survey,
    TypeCard,
    Written,
)
from llmd.runtime.quantizer import Run, running
from llmd.services.gate import Gate

QuantizeEvent = QuantizeProgress | ModelManifest

_SPARE = 512 * 2**20
"""Bytes of disk that quantising leaves free."""


class _Order(msgspec.Struct, frozen=True):
    """What equal orders have in common."""

    path: str
    name: str
    recipe: Recipe


class Quantization:
    """What `llmd quantize` needs."""

    def __init__(self, store: ModelStore, gate: Gate, run: Run = running) -> None:
        self._store = store
        self._gate = gate
        self._start = run
        self._jobs: Joint[_Order, QuantizeProgress, ModelManifest] = Joint()
        self._turn = asyncio.Lock()
        self._states: dict[_Order, QuantizeProgress] = {}

    async def quantize(
        self, model: str, recipe: Recipe, name: str | None = None
    ) -> AsyncGenerator[QuantizeEvent]:
        """Make a variant of a registered model and register it: progress, then its manifest.

        Closing leaves; the work stops when the last one leaves, and nothing of it is left. Raises
        ModelNotFound, InvalidRequest (no such type, not a good source, an importance matrix is
        missing or of another model), NameTaken, NoRoom, CorruptFile, QuantizeFailed, Draining.
        """
        with self._gate.enter():
            kind = find(recipe.type)
            source = await asyncio.to_thread(self._source, model)
            check(source, kind, requantize=recipe.requantize)
            name = name or variant_name(source.name, kind)
            await asyncio.to_thread(variant_files.check_free, self._store, source, name)
            recipe = msgspec.structs.replace(recipe, type=kind.name)
        status = "waiting" if self._turn.locked() else "measuring"
        first = QuantizeProgress(status=status, name=name, source=source.name, type=kind.name)
        order = _Order(source.path, name.casefold(), recipe)

        async def work(say: Callable[[QuantizeProgress], None]) -> ModelManifest:
            def note(state: QuantizeProgress) -> None:
                self._states[order] = state
                say(state)

            note(first)
            try:
                return await self._make(source, recipe, _Reporter(first, note))
            finally:
                self._states.pop(order, None)

        async with aclosing(self._jobs.watch(order, first, work)) as events:
            async for event in events:
                yield event

    async def types(self, model: str | None = None) -> list[TypeCard]:
        """Return all types, largest first; with a model, what size it would have, reckoned by
        llama.cpp, and why it should not become some.
        """
        if model is None:
            return [_card(kind) for kind in TYPES]
        with self._gate.enter():
            source = await asyncio.to_thread(self._source, model)
            sizes: dict[str, Sized] = {}
            survey = Survey(source=source.path, types=[kind.name for kind in TYPES])
            async with self._start(survey) as lines:
                async for said in lines:
                    if isinstance(said, Sized):
                        sizes[said.type] = said
        return [_card(kind, source, sizes.get(kind.name)) for kind in TYPES]

    def under_way(self) -> list[QuantizeProgress]:
        """Return how the variants stand that are being made."""
        return [*self._states.values()]

    async def close(self) -> None:
        """Stop all; nothing of it is left."""
        await self._jobs.close()

    async def clean(self) -> None:
        """Remove what an earlier daemon that was killed left."""
        freed = await asyncio.to_thread(variant_files.clean, self._store)
        if freed:
            structlog.get_logger("models").info("removed an unfinished variant", bytes=freed)

    def _source(self, name: str) -> ModelManifest:
        reference = _parsed(name)
        if not isinstance(reference, PathReference):
            return self._store.get(name)
        safetensors.check_path(reference.path)
        for model in self._store.list():
            if files.same(model.path, str(reference.path)):
                return self._store.get(model.name)
        raise ModelNotFound(
            f"{reference.path} is not registered.",
            hint=f"Register it first: llmd import {reference.path}.",
            param="model",
        )

    async def _make(
        self, source: ModelManifest, recipe: Recipe, report: _Reporter
    ) -> ModelManifest:
        async with self._turn:
            report("measuring")
            folder = await asyncio.to_thread(variant_files.begin, self._store)
            try:
                written = await self._write(source, recipe, folder, report)
                report("registering", done=written.size, total=written.size)
                made = await asyncio.to_thread(
                    variant_files.finish,
                    self._store,
                    source,
                    report.name,
                    [Path(file) for file in written.files],
                )
            finally:
                await asyncio.to_thread(variant_files.end, folder)
        structlog.get_logger("models").info(
            "quantised",
            model=made.name,
            source=source.name,
            bytes=made.size,
            seconds=round(written.seconds, 1),
        )
        report("done", done=made.size, total=made.size)
        return made

    async def _write(
        self, source: ModelManifest, recipe: Recipe, folder: Path, report: _Reporter
    ) -> Written:
        order = QuantizeOrder(
            source=source.path,
            folder=str(folder),
            stem=variant_files.file_stem(report.name, recipe.type),
            recipe=recipe,
            spare=_SPARE,
        )
        async with self._start(order) as lines:
            async for said in lines:
                if isinstance(said, Written):
                    return said
                if isinstance(said, Advanced):
                    report.advance(said)
        raise AssertionError("the program ends with a result or raises")


class _Reporter:
    """Writes the states of one piece of work."""

    def __init__(self, first: QuantizeProgress, say: Callable[[QuantizeProgress], None]) -> None:
        self._first = first
        self._say = say
        self._rate = Rate()
        self.name = first.name

    def __call__(self, status: str, *, done: int = 0, total: int = 0) -> None:
        self._say(msgspec.structs.replace(self._first, status=status, done=done, total=total))

    def advance(self, at: Advanced) -> None:
        """Say which tensor is being written."""
        self._say(
            msgspec.structs.replace(
                self._first,
                status="quantizing",
                tensor=at.tensor,
                tensors=at.tensors,
                file=at.name,
                done=at.done,
                total=at.total,
                rate=self._rate.add(time.monotonic(), at.done),
            )
        )


def _parsed(name: str) -> Reference | None:
    try:
        return parse(name)
    except InvalidRequest:  # a name of the user's own
        return None


def _card(
    kind: FileType, source: ModelManifest | None = None, sized: Sized | None = None
) -> TypeCard:
    return TypeCard(
        name=kind.name,
        bits=kind.bits,
        purpose=kind.purpose,
        needs_imatrix=sized.needs_imatrix if sized else kind.needs_imatrix,
        size=sized.size if sized and sized.size else None,
        model_bits=sized.bits if sized and sized.size else None,
        refusal=(sized.refusal if sized else "") or (refusal(source, kind) if source else ""),
    )
