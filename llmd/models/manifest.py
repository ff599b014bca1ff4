"""One model's record on disk: a JSON file that is either whole or absent, whoever writes at the
same time. Fields that a newer llmd wrote are passed over, and kept when the record is changed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from llmd.models import files
from llmd.models.gguf.inspection import Inspection
from llmd.models.names import encode
from llmd.models.projectors import Projector
from llmd.protocol.models import AdapterFile, Kind, ModelManifest, Preset
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Pooling

Said = TypeVar("Said", bound=msgspec.Struct)

SUFFIX = ".json"
TEMPORARY = ".writing-"
FORMAT = 1
"""Version of the records written here."""


class _Versioned(msgspec.Struct):
    format: int = FORMAT


class DamagedManifest(Exception):
    """A record that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Provided:
    """What a source gives along with a model's files."""

    preset: Preset = field(default_factory=Preset)
    options: LoadOptions = field(default_factory=LoadOptions)
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by absolute path."""
    adapters: Sequence[AdapterFile] = ()


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


def provided(manifest: ModelManifest, given: Provided) -> ModelManifest:
    """Return a manifest with what its source gave along."""
    return msgspec.structs.replace(
        manifest,
        preset=given.preset,
        options=given.options,
        source_preset=given.preset,
        source_options=given.options,
        digests=dict(given.digests),
        adapters=list(given.adapters),
    )


def inheriting(model: ModelManifest, earlier: ModelManifest) -> ModelManifest:
    """Return a model with what a user said about its earlier version; where nobody said anything,
    what its source gives along now counts.
    """
    if model.preset == Preset():
        preset, given = earlier.preset, earlier.source_preset
    else:
        preset, given = _kept(earlier.preset, earlier.source_preset, model.preset), model.preset
    if model.options == LoadOptions():
        options, usual = earlier.options, earlier.source_options
    else:
        options = _kept(earlier.options, earlier.source_options, model.options)
        usual = model.options
    model = msgspec.structs.replace(
        model,
        adapters=earlier.adapters or model.adapters,
        owned=model.owned or (earlier.owned and files.same(earlier.path, model.path)),
        name=earlier.name,
        draft=earlier.draft,
        preset=preset,
        options=options,
        source_preset=given,
        source_options=usual,
    )
    return model if earlier.pooling is Pooling.MODEL else pooled(model, earlier.pooling)


def _kept(said: Said, given: Said, new: Said) -> Said:
    """Return `new` with the fields in which `said` is not what was `given` then."""
    fields: dict[str, object] = {}
    for name in said.__struct_fields__:
        own, then, now = (getattr(one, name) for one in (said, given, new))
        if isinstance(own, msgspec.Struct):
            fields[name] = _kept(own, then, now)
        else:
            fields[name] = now if own == then else own
    return msgspec.structs.replace(new, **fields)


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
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise DamagedManifest(_reason(path, str(error))) from error
    if record_path(path.parent, manifest.name) != path:
        raise DamagedManifest(f"it describes {manifest.name!r}, which belongs into another file")
    return manifest


def write(directory: Path, manifest: ModelManifest, *, new: bool) -> None:
    """Write one record, whole or not at all; raise FileExistsError for a `new` one that is there
    already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = record_path(directory, manifest.name)
    fields = msgspec.to_builtins(manifest)
    unknown = {} if new else _unknown_fields(target)
    text = msgspec.json.format(msgspec.json.encode({**fields, **unknown}), indent=2)
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=directory)
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


def _version(path: Path) -> int:
    """Return the version a record claims, even if the rest of it cannot be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Versioned).format
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return FORMAT


def _reason(path: Path, error: str) -> str:
    return f"a newer llmd wrote it: {error}" if _version(path) > FORMAT else error


def _unknown_fields(path: Path) -> dict[str, Any]:
    """Return what a newer llmd wrote into a record besides the fields known here."""
    try:
        fields = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return {
        name: value for name, value in fields.items() if name not in ModelManifest.__struct_fields__
    }


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
