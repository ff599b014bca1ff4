"""The files of variants that are made here: where they lie, how they get there, what is left behind
by a kill.

A variant is written into a folder of its own whose name begins with a dot, and its files are moved
to their place when they are whole; then it is registered. What lies in such folders belongs to
nobody once their writer is gone.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest, LlmdError, NameTaken, QuantizeFailed
from llmd.models import projectors
from llmd.models.adoption.keeping import Keeping, keep
from llmd.models.gguf.inspection import inspect
from llmd.models.manifest import Provided, pooled
from llmd.models.names import check_name, encode, name_from_file
from llmd.models.quantization import SOURCE, stem_of
from llmd.models.store import ModelStore
from llmd.protocol.adoption import Keep
from llmd.protocol.models import ModelManifest
from llmd.protocol.questions import Pooling

FOLDER = "quantized"
"""Folder of llmd's models directory with a folder for each variant."""
TEMPORARY = ".quantizing-"


def begin(store: ModelStore) -> Path:
    """Make the folder that a variant is written into."""
    place = store.directory / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=place))


def end(folder: Path) -> None:
    """Remove that folder with what is left in it."""
    shutil.rmtree(folder, ignore_errors=True)


def clean(store: ModelStore) -> int:
    """Remove what killed writers left, when no writer can be at work; return the bytes freed."""
    place = store.directory / FOLDER
    freed = 0
    for folder in place.glob(f"{TEMPORARY}*"):
        freed += sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
        end(folder)
    for folder in place.glob("*"):
        with contextlib.suppress(OSError):  # those with files in them stay
            folder.rmdir()
    return freed


def file_stem(name: str, kind: str) -> str:
    """Return what the file of a variant is called, without its ending."""
    return f"{name_from_file(Path(stem_of(name).replace(':', '-')))}-{kind}"


def check_free(store: ModelStore, source: ModelManifest, name: str) -> None:
    """Raise NameTaken when `name` belongs to something else than an earlier such variant."""
    wanted = check_name(name).casefold()
    holder = next((model for model in store.list() if model.name.casefold() == wanted), None)
    if holder is not None and holder.source != SOURCE + source.name:
        raise NameTaken(
            f"The name {holder.name} belongs to {holder.path}.",
            hint=f"Choose another with --name, or free it first: llmd rm {holder.name}.",
            param="name",
        )


def finish(
    store: ModelStore, source: ModelManifest, name: str, written: Sequence[Path]
) -> ModelManifest:
    """Check what was written, move it to its place and register it with all that was said about
    its source. Raises QuantizeFailed when it is not what it should be, and NameTaken.
    """
    _check(source, written[0])
    place = store.directory / FOLDER / encode(name)
    place.mkdir(parents=True, exist_ok=True)
    moved = [file.replace(place / file.name) for file in written]
    projector = _projector(source, place)
    preset = msgspec.structs.replace(source.preset, base="")
    model = store.register(
        moved[0],
        name,
        SOURCE + source.name,
        owned=True,
        projector=projector,
        provided=Provided(preset=preset, options=source.options, adapters=tuple(source.adapters)),
    )
    if source.draft or source.pooling is not Pooling.MODEL:
        return store.change(model.name, lambda made: _like(made, source))
    return model


def _check(source: ModelManifest, path: Path) -> None:
    try:
        found = inspect(path)
    except LlmdError as error:
        raise QuantizeFailed(
            f"llama.cpp wrote a file that cannot be read: {error.message}",
            hint="Please report it.",
        ) from error
    if found.parameters != source.parameters:
        raise QuantizeFailed(
            f"The new model has {found.parameters} weights, {source.name} has {source.parameters}.",
            hint="Is the file of the source whole? `llmd verify` tells.",
        )


def _projector(source: ModelManifest, place: Path) -> str:
    """Give the projector a name beside the variant, which so does not depend on its source's."""
    if not source.projector:
        return projectors.NONE
    original = [Path(source.projector)]
    try:
        return str(keep(original, place, Keep.LINK, Keeping())[0])
    except InvalidRequest:  # another file system: a copy it is
        return str(keep(original, place, Keep.COPY, Keeping())[0])


def _like(made: ModelManifest, source: ModelManifest) -> ModelManifest:
    made = msgspec.structs.replace(made, draft=source.draft)
    return made if source.pooling is Pooling.MODEL else pooled(made, source.pooling)
