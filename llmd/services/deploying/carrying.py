"""Does the work of a deployment: each stage is what another service does for everybody, told to the
course.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from llmd.errors import ModelNotFound, NoRoom
from llmd.models.catalog import Catalogue, canonical
from llmd.models.leftovers import places, waiting
from llmd.models.quantization import stem_of, variant_name
from llmd.models.variants import Derive, Present, Pull, Step
from llmd.protocol.deployments import StageName
from llmd.protocol.models import ModelManifest, PullProgress
from llmd.protocol.placement import LoadOptions, Plan
from llmd.protocol.quantization import QuantizeProgress
from llmd.protocol.questions import Tokenize, Tokens
from llmd.services.deploying.course import Course
from llmd.services.deploying.terms import Terms
from llmd.services.generation import Generation
from llmd.services.planning import Planning
from llmd.services.residents import Residents
from llmd.services.variants import Variants

Note = Callable[[], Awaitable[None]]
"""Keeps how the course stands."""

# bytes per second, to guess by until something was measured: 100 Mbit/s, and a slow disk
_USUAL_RATE = 12.5e6
_QUANTIZING = 50e6
_READING = 400e6
_LEAST = 2.0
_FETCHING = frozenset({"resolving", "waiting", "downloading", "copying"})
_MOST_NOTES = 5


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a deployment is expected to come to."""

    model: str
    """What the model will be called."""
    way: Step
    fetched: int | None
    """Bytes to be downloaded; None: not known."""
    seconds: float | None
    """Until it answers; None: not known."""


class Carrier:
    """Carries deployments out."""

    def __init__(  # noqa: PLR0913, PLR0917  one service for each stage
        self,
        variants: Variants,
        planning: Planning,
        residents: Residents,
        generation: Generation,
        catalogue: Catalogue,
        directory: Path,
    ) -> None:
        """`directory` is where models lie."""
        self._directory = directory
        self._variants = variants
        self._planning = planning
        self._residents = residents
        self._generation = generation
        self._catalogue = catalogue
        self._rate = _USUAL_RATE

    async def outlook(self, terms: Terms) -> Outlook:
        """Return what is to be expected; raise ModelNotFound when there is no way to the model."""
        way = (await self._variants.ways(terms.name, terms.label))[0]
        match way:
            case Present(model):
                return Outlook(model.name, way, 0, _LEAST + model.size / _READING)
            case Derive(source, kind):
                seconds = _LEAST + source.size / _QUANTIZING
                return Outlook(variant_name(source.name, kind), way, 0, seconds)
            case Pull(name):
                size = self._size(name)
                seconds = _LEAST + size / self._rate + size / _READING
                known = size or None
                expected = canonical(name, self._catalogue)
                return Outlook(expected, way, known, seconds if known else None)

    async def carry(self, course: Course, terms: Terms, note: Note) -> None:
        """Have a model loaded and answering.

        Raises ModelNotFound, NoRoom, and what fetching, quantising and loading raise. May be called
        again for a course that was broken off.
        """
        plan = await self._prepare(course, terms, note)
        after = (plan.load_seconds if plan else None) or _LEAST
        model = await self._fetch(course, terms, note, after)
        await self._load(course, model, terms.options, note, after)
        course.enter(StageName.REGISTRATION)
        await self._generation.ask(model, Tokenize("llmd"), Tokens)
        course.say(f"{model.name} answers.")
        await note()

    async def _prepare(self, course: Course, terms: Terms, note: Note) -> Plan | None:
        outlook = await self.outlook(terms)
        if course.enter(StageName.PREPARATION):
            course.say(f"The deployment of {outlook.model} begins.")
        await note()
        if outlook.fetched:
            await asyncio.to_thread(self._check_disk, outlook)
        plan = await self._plan(outlook.way, terms.options)
        for text in _planned(plan, outlook):
            course.say(text)
        if plan and not plan.fits:
            _check_hope(plan)
            course.say(f"{plan.problem} It may have to wait for other models.", "warning")
        course.say("The preparations are complete.")
        await note()
        return plan

    async def _plan(self, way: Step, options: LoadOptions) -> Plan | None:
        """Return the plan, or None for what nobody knows enough of yet."""
        match way:
            case Present(model):
                return await self._planning.plan(model.name, options)
            case Pull(name):
                try:
                    return await self._planning.plan(name, options)
                except ModelNotFound:
                    return None
            case Derive():
                return None

    async def _fetch(self, course: Course, terms: Terms, note: Note, after: float) -> ModelManifest:
        course.enter(StageName.DOWNLOADING)
        teller = _Teller(course, after)
        async with aclosing(self._variants.ensure(terms.name, terms.label)) as events:
            async for event in events:
                if isinstance(event, ModelManifest):
                    model = event
                else:
                    teller.tell(event)
                    if event.status == "downloading" and event.rate:
                        self._rate = event.rate
                await note()
        if course.enter(StageName.INITIALIZATION) and not teller.fetched:
            course.say("Nothing had to be downloaded.")
        course.rename(model.name)
        course.say(f"{model.name} is on the disk: {model.quantization}, {model.size} bytes.")
        await note()
        return model

    async def _load(
        self, course: Course, model: ModelManifest, options: LoadOptions, note: Note, after: float
    ) -> None:
        if course.enter(StageName.LOADING):
            course.say(f"{model.name} is being loaded.")
        async with aclosing(self._residents.load(model.name, options)) as events:
            async for progress in events:
                left = after * (1 - progress.fraction)
                course.advance(StageName.LOADING, progress.fraction, left)
                if progress.model:
                    course.say(f"Loaded on {progress.model.device}.")
                await note()

    def _size(self, name: str) -> int:
        """Return the bytes of a variant of the catalogue; 0: not known."""
        entry = self._catalogue.find(name) or self._catalogue.find(stem_of(name))
        if entry is None:
            return 0
        label = name.rpartition(":")[2].upper()
        return entry.quantizations.get(label) or (entry.size if entry.alias == name else 0)

    def _check_disk(self, outlook: Outlook) -> None:
        """Raise NoRoom when no disk that models lie on has room for the download."""
        needed = outlook.fetched or 0
        folders = places(self._directory)
        free = max(_free(folder) for folder in folders)
        if needed <= free:
            return
        # part of it may be there from an earlier attempt
        there = sum(leftover.size for leftover in waiting(folders))
        if needed > free + there:
            raise NoRoom(
                f"{outlook.model} needs {needed / 1e9:.1f} GB on the disk, {free / 1e9:.1f} GB are "
                "free.",
                hint="Free some space, or deploy a smaller quantization.",
                needed=needed,
                available=free,
            )


class _Teller:
    """Tells a course what fetching and quantising say."""

    def __init__(self, course: Course, after: float) -> None:
        self._course = course
        self._after = after
        self._said = ""
        self.fetched = False

    def tell(self, event: PullProgress | QuantizeProgress) -> None:
        """Take one event."""
        if isinstance(event, QuantizeProgress):
            self._stage(StageName.INITIALIZATION, event.status, event.name)
            left = (event.total - event.done) / event.rate if event.rate else None
            self._advance(StageName.INITIALIZATION, event.done, event.total, left)
        elif event.status in _FETCHING:
            self.fetched = True
            self._stage(StageName.DOWNLOADING, event.note or event.status, event.name)
            self._advance(StageName.DOWNLOADING, event.done, event.total, event.remaining)
        else:
            self._stage(StageName.INITIALIZATION, event.status, event.name)

    def _stage(self, stage: StageName, said: str, name: str) -> None:
        self._course.enter(stage)
        if said != self._said:
            self._said = said
            self._course.say(f"{name}: {said}.")

    def _advance(self, stage: StageName, done: int, total: int, left: float | None) -> None:
        share = min(done / total, 1.0) if total else 0.0
        self._course.advance(stage, share, None if left is None else left + self._after)


def _planned(plan: Plan | None, outlook: Outlook) -> list[str]:
    """Return what is to be logged of a plan."""
    if plan is None:
        return [f"What {outlook.model} takes of memory shows once its file is here."]
    taken = [f"{use.parts.total / 1e9:.2f} GB of {use.device}" for use in plan.uses]
    evicted = f" {', '.join(plan.evicted)} will be unloaded for it." if plan.evicted else ""
    return [f"It will take {' and '.join(taken)}.{evicted}", *plan.notes[:_MOST_NOTES]]


def _check_hope(plan: Plan) -> None:
    """Raise NoRoom for what would not fit even if nothing else were loaded."""
    totals = {room.device: room.total for room in plan.rooms}
    if any(use.parts.total > totals.get(use.device, 0) for use in plan.uses):
        remedies = " ".join(remedy.text for remedy in plan.remedies)
        raise NoRoom(plan.problem, hint=remedies or "Deploy a smaller one.")


def _free(folder: Path) -> int:
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
