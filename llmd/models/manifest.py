"""One model's record on disk: a JSON file that is either whole or absent, whoever writes at the
same time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from llmd.models.gguf.inspection import Inspection
from llmd.models.names import encode
from llmd.models.projectors import Projector
from llmd.protocol.models import Kind, ModelManifest
from llmd.protocol.questions import Pooling

SUFFIX = ".json"


class DamagedManifest(Exception):
    """A record that cannot be read; the text says why."""


def record_path(directory: Path, name: str) -> Path:
    """Return where the record of a model lies."""
    return directory / f"{encode(name)}{SUFFIX}"


def describe(
    name: str, found: Inspection, *, source: str, added: float, owned: bool
) -> ModelManifest:
    """Make a manifest out of what was found in the file."""
    return ModelManifest(
        name=name,
        path=str(found.files[0]),
        source=source,
        kind=found.kind,
        architecture=found.architecture,
        parameters=found.parameters,
        quantization=found.quantization,
        size=found.size,
        context_length=found.context_length,
        added=added,
        owned=owned,
        has_chat_template=found.has_chat_template,
        files=[str(file) for file in found.files],
    )


def accompanied(manifest: ModelManifest, projector: Projector) -> ModelManifest:
    """Return a manifest with the projector that goes with the model."""
    return msgspec.structs.replace(
        manifest,
        size=manifest.size + projector.size,
        files=[*manifest.files, str(projector.path)],
        projector=str(projector.path),
        vision=projector.vision,
        audio=projector.audio,
    )


def inheriting(model: ModelManifest, earlier: ModelManifest) -> ModelManifest:
    """Return a model with what a user said about its earlier version."""
    model = msgspec.structs.replace(model, adapters=earlier.adapters)
    return model if earlier.pooling is Pooling.MODEL else pooled(model, earlier.pooling)


def pooled(model: ModelManifest, pooling: Pooling) -> ModelManifest:
    """Return a model that makes vectors this way, and so is no chat model; rank makes it a
    reranker.
    """
    kind = Kind.RERANK if pooling is Pooling.RANK else Kind.EMBEDDING
    return msgspec.structs.replace(model, pooling=pooling, kind=kind)


def read(path: Path) -> ModelManifest:
    """Read one record; raise FileNotFoundError or DamagedManifest."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=ModelManifest)
    except FileNotFoundError:
        raise
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise DamagedManifest(str(error)) from error
    if record_path(path.parent, manifest.name) != path:
        raise DamagedManifest(f"it describes {manifest.name!r}, which belongs into another file")
    return manifest


def write(directory: Path, manifest: ModelManifest, *, new: bool) -> None:
    """Write one record, whole or not at all; raise FileExistsError for a `new` one that is there
    already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = record_path(directory, manifest.name)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(temporary, target)
        else:
            Path(temporary).replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
    _sync(directory)


def remove(directory: Path, name: str) -> None:
    """Delete one record, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        Path(record_path(directory, name)).unlink()
    _sync(directory)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
