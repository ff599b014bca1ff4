"""Registers a find: where it lies, or after giving its files names of llmd's own.

What can be refused is refused before a byte is copied.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from llmd.errors import ModelNotFound, NameTaken
from llmd.models import files, projectors
from llmd.models.adoption import keeping
from llmd.models.adoption.find import Find
from llmd.models.adoption.keeping import Keeping
from llmd.models.gguf.inspection import inspect
from llmd.models.manifest import Provided
from llmd.models.names import check_name, encode
from llmd.models.store import ModelStore
from llmd.protocol.adoption import Keep
from llmd.protocol.models import AdapterFile, Kind, ModelManifest

KEPT = "kept"
"""Folder of llmd's models directory with a folder for each model that was linked or copied."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The files of a model under llmd's own names."""

    path: Path
    projector: str
    digests: dict[str, str]
    adapters: list[AdapterFile]
    placed: list[Path]


def register(
    store: ModelStore,
    find: Find,
    adapters: Sequence[AdapterFile] = (),
    how: Keep = Keep.REFERENCE,
    progress: Keeping | None = None,
) -> ModelManifest:
    """Register a model as a tool describes it; raise what `ModelStore.register` and `keeping.keep`
    raise. The files of a referenced model are never deleted by llmd.
    """
    if how is Keep.REFERENCE:
        return store.register(
            find.path,
            find.name,
            find.source,
            projector=find.projector,
            provided=_provided(find, dict(find.digests), adapters),
        )
    kept = _keep(store, find, adapters, how, progress or Keeping())
    try:
        return store.register(
            kept.path,
            find.name,
            find.source,
            owned=True,
            projector=kept.projector,
            provided=_provided(find, kept.digests, kept.adapters),
        )
    except BaseException:
        keeping.discard(kept.placed)
        raise


def _provided(find: Find, digests: dict[str, str], adapters: Sequence[AdapterFile]) -> Provided:
    return Provided(
        preset=find.preset, options=find.options, digests=digests, adapters=tuple(adapters)
    )


def _keep(
    store: ModelStore,
    find: Find,
    adapters: Sequence[AdapterFile],
    how: Keep,
    progress: Keeping,
) -> _Kept:
    found = inspect(find.path)
    _check_name(store, find)
    chats = found.kind is Kind.CHAT
    projector = projectors.fitting(find.projector, find.path, found.width) if chats else None
    companions = [projector.path] if projector else []
    sources = [*found.files, *companions, *(Path(adapter.path) for adapter in adapters)]
    folder = store.directory / KEPT / encode(find.name)
    earlier = set(folder.iterdir()) if folder.is_dir() else set()
    targets = keeping.keep(sources, folder, how, progress)
    renamed = dict(zip(map(str, sources), targets, strict=True))
    return _Kept(
        path=targets[0],
        projector=str(targets[len(found.files)]) if projector else projectors.NONE,
        digests={
            str(renamed[path]): digest for path, digest in find.digests.items() if path in renamed
        },
        adapters=[
            msgspec.structs.replace(adapter, path=str(renamed[adapter.path]))
            for adapter in adapters
        ],
        placed=[target for target in targets if target not in earlier],
    )


def _check_name(store: ModelStore, find: Find) -> None:
    try:
        holder = store.find(check_name(find.name))
    except ModelNotFound:
        return
    if holder.name.casefold() != find.name.casefold():
        return
    if holder.source != find.source and not files.same(holder.path, os.fspath(find.path)):
        raise NameTaken(
            f"The name {find.name} belongs to {holder.path}.",
            hint=f"Choose another name, or free it first: llmd rm {holder.name}.",
            param="name",
        )
