"""What can be done with what was found: whether it is new, registered already, the same as another
find, or nothing that llmd can serve.

Every find is looked into by its header alone. One that fails does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from llmd.errors import LlmdError
from llmd.models import adapters, manifest, projectors
from llmd.models.adoption import folders, hub_cache, llama_cache, ollama
from llmd.models.adoption.find import Find
from llmd.models.gguf.inspection import Inspection, inspect
from llmd.models.ollama.store import ROOTS
from llmd.models.projectors import Projector
from llmd.protocol.adoption import Finding, Place, Searched, Standing, Survey, Tool
from llmd.protocol.models import AdapterFile, Kind, ModelManifest, Preset

_Identity = tuple[int, int]
_Key = _Identity | str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A find and what came of looking into it."""

    find: Find
    finding: Finding
    adapters: tuple[AdapterFile, ...] = ()


def search(place: Place) -> tuple[list[Find], str]:
    """Return what is in a place, and what kept something from being seen."""
    root = Path(place.directory)
    try:
        if not root.is_dir():
            return [], ""
        return _read(place.tool, root)
    except OSError as error:
        return [], f"{error.filename or root}: {error.strerror}"


def _read(tool: Tool, root: Path) -> tuple[list[Find], str]:
    tool = _layout(root) if tool is Tool.FOLDER else tool
    match tool:
        case Tool.OLLAMA:
            return ollama.finds(root), ""
        case Tool.HUGGING_FACE:
            return hub_cache.finds(root, tool)
        case Tool.LLAMA_CPP:
            return llama_cache.finds(root)
    seen = folders.walk(root)
    if tool is Tool.FOLDER:
        return folders.plain(tool, seen.files), seen.trouble
    # ModelScope has put another level before its repositories
    inner = root / "models" if tool is Tool.MODELSCOPE else root
    deep = [file for file in seen.files if file.is_relative_to(inner)]
    rest = [file for file in seen.files if not file.is_relative_to(inner)]
    found = [*folders.published(tool, inner, deep), *folders.published(tool, root, rest)]
    return found, seen.trouble


def _layout(root: Path) -> Tool:
    """Tell whose layout a folder has, such as a store that was moved to another disk."""
    if (root / "blobs").is_dir() and any((root / name).is_dir() for name in ROOTS):
        return Tool.OLLAMA
    cached = any(path.name.startswith(hub_cache.PREFIX) for path in root.iterdir())
    return Tool.HUGGING_FACE if cached else Tool.FOLDER


def judge(places: Iterable[Place], registered: list[ModelManifest]) -> tuple[list[Judged], Survey]:
    """Look through places, in order; return every find with its judgement, and the report."""
    judge = _Judge(registered)
    judged: list[Judged] = []
    searched = []
    for place in places:
        finds, trouble = search(place)
        judged += [judge.of(find) for find in finds]
        searched.append(
            Searched(tool=place.tool, directory=place.directory, found=len(finds), trouble=trouble)
        )
    return judged, Survey([one.finding for one in judged], searched)


class _Judge:
    """Remembers what it has seen."""

    def __init__(self, registered: list[ModelManifest]) -> None:
        self._sources = {model.name.casefold(): model.source for model in registered}
        self._known: list[tuple[set[_Key], Preset, str, Standing]] = []
        for model in registered:
            digest = model.digests.get(model.path)
            keys: set[_Key] = {_identity(Path(model.path)), digest, model.source}
            self._known.append((keys - {None}, model.preset, model.name, Standing.REGISTERED))

    def of(self, find: Find) -> Judged:
        if find.trouble:
            return self._refused(find, find.trouble)
        # a copy is known by where it came from, where no digest says what it is
        said = find.digests.get(str(find.path)) or find.source
        keys: set[_Key] = {_identity(find.path), said}
        keys.discard(None)
        for known, preset, name, standing in self._known:
            if keys & known and find.preset in (Preset(), preset):
                same = name if standing is Standing.REGISTERED else ""
                return Judged(find, _finding(find, standing, name=same or find.name, of=name))
        try:
            return self._looked_into(find, keys)
        except LlmdError as error:
            return self._refused(find, error.message)

    def _looked_into(self, find: Find, keys: set[_Key]) -> Judged:
        found = inspect(find.path)
        chats = found.kind is Kind.CHAT
        projector = projectors.fitting(find.projector, find.path, found.width) if chats else None
        extra = tuple(_adapters(find, found))
        name = self._free_name(find)
        self._sources[name.casefold()] = find.source
        self._known.append((keys, find.preset, name, Standing.DUPLICATE))
        named = replace(find, name=name)
        return Judged(named, _described(named, found, projector), extra)

    def _refused(self, find: Find, reason: str) -> Judged:
        return Judged(find, _finding(find, Standing.REFUSED, name=find.name, reason=reason))

    def _free_name(self, find: Find) -> str:
        base = f"{find.name}@{find.tool}"
        names = [find.name, base, *(f"{base}-{number}" for number in range(2, 1000))]
        # a name that came from the same source has an older version, which gives way
        return next(
            name for name in names if self._sources.get(name.casefold(), find.source) == find.source
        )


def _identity(path: Path) -> _Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _adapters(find: Find, found: Inspection) -> Iterable[AdapterFile]:
    if find.adapters:
        model = manifest.describe(find.name, found, source=find.source, added=0, owned=False)
        for number, path in enumerate(find.adapters, 1):
            yield adapters.describe(path, model, f"adapter-{number}", 1.0, default=True)


def _described(find: Find, found: Inspection, projector: Projector | None) -> Finding:
    return Finding(
        tool=find.tool,
        path=str(find.path),
        standing=Standing.NEW,
        name=find.name,
        size=found.size + (projector.size if projector else 0),
        parts=len(found.files),
        kind=found.kind,
        architecture=found.architecture,
        parameters=found.parameters,
        quantization=found.quantization,
        vision=bool(projector and projector.vision),
        audio=bool(projector and projector.audio),
        preset=find.preset != Preset(),
    )


def _finding(
    find: Find, standing: Standing, *, name: str, of: str = "", reason: str = ""
) -> Finding:
    try:
        size = find.path.stat().st_size
    except OSError:
        size = 0
    return Finding(
        tool=find.tool,
        path=str(find.path),
        standing=standing,
        name=name,
        of=of,
        reason=reason,
        size=size,
    )
