"""Native nouns to the objects of the native API. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmd.protocol.models import (
    LoadedModel,
    LoadProgress,
    ModelManifest,
    ModelState,
    PullProgress,
)
from llmd.protocol.quantization import QuantizeProgress
from llmd.protocol.reports import StatusReport
from llmd.server.dialects.native.schema import (
    Health,
    Loaded,
    Models,
    NativeModel,
    OpenAIModel,
    Step,
)

_THOUSAND = 1000
_HUNDRED = 100


def health(report: StatusReport) -> Health:
    """Return the health of the daemon; memory is that of the machine, used and total."""
    used, total = report.memory_used / 2**30, report.memory_total / 2**30
    return Health(
        status="healthy" if report.state == "running" else report.state,
        model_loaded=any(model.pid for model in report.loaded),
        memory_usage=f"{used:.1f}GB/{total:.0f}GB",
        active_connections=report.connections,
    )


def size(count: float) -> str:
    """Return bytes as the document writes them: `4.2GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _THOUSAND:
            whole = unit == "B" or count >= _HUNDRED
            return f"{count:.0f}{unit}" if whole else f"{count:.1f}{unit}"
        count /= _THOUSAND
    return f"{count:.1f}TB"


def models(
    manifests: Sequence[ModelManifest], loaded: Sequence[LoadedModel], default: str
) -> Models:
    """Return all registered models."""
    by_name = {one.name: one for one in loaded}
    return Models(
        models=[
            model(one, by_name.get(one.name), default=one.name == default) for one in manifests
        ],
        data=[OpenAIModel(id=one.name, created=int(one.added)) for one in manifests],
    )


def model(
    manifest: ModelManifest, loaded: LoadedModel | None, *, default: bool = False
) -> NativeModel:
    """Return one model; it counts as loaded once it has a process that answers."""
    ready = loaded is not None and loaded.state is ModelState.READY
    memory = loaded.memory if loaded and ready else None
    used = (memory.resident or memory.weights + memory.kv_cache) if memory else 0
    return NativeModel(
        name=manifest.name,
        size=size(manifest.size),
        loaded=ready,
        memory_usage=size(used),
        quantization=manifest.quantization,
        kind=str(manifest.kind),
        parameters=manifest.parameters,
        context_length=(loaded.context_length if loaded else 0) or manifest.context_length,
        size_bytes=manifest.size,
        memory_bytes=used,
        device=loaded.device if loaded and ready else None,
        default=default,
    )


def loaded(manifest: ModelManifest, place: LoadedModel, default: str) -> Loaded:
    """Return the answer to a load call that has succeeded; `default` is the default model."""
    return Loaded(
        status="loaded",
        model=model(manifest, place, default=manifest.name == default),
        load_seconds=round(place.load_seconds, 3),
    )


def unloaded(manifest: ModelManifest, default: str) -> Loaded:
    """Return the answer to an unload call that has succeeded; `default` is the default model."""
    return Loaded(status="unloaded", model=model(manifest, None, default=manifest.name == default))


def step(event: PullProgress | QuantizeProgress | LoadProgress) -> Step:
    """Return a line of a streamed load call."""
    if isinstance(event, LoadProgress):
        return Step(status=event.status, progress=round(event.fraction, 4))
    share = event.done / event.total if event.total else 0.0
    return Step(status=event.status, progress=round(min(share, 1.0), 4), detail=event.file)
