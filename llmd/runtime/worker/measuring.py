"""What a loaded model takes of each device, put together from what llama.cpp said it allocated, the
header of its file and the process itself.

Buffers and caches count with their full size although much of them is touched for the first time
when requests come: that memory is spoken for. Of weights that are mapped, only tensors that are
used from the mapping count, not those that were copied out of it into another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from llmd.engine.footprint import Footprint, Section
from llmd.models.gguf.facts import Facts
from llmd.protocol.placement import DeviceUse, Parts

_CPU = "CPU"
_STATUS = Path("/proc/self/status")
_KIB = 1024
_REPACKED = "CPU_REPACK"
_MAPPED = "CPU_Mapped"


class Resident(msgspec.Struct, frozen=True):
    """What a process holds in memory, in bytes; 0 where the system does not tell."""

    anonymous: int = 0
    files: int = 0


class Promised(msgspec.Struct, frozen=True):
    """Bytes that are spoken for and not allocated yet."""

    caches: int = 0
    compute: int = 0


def resident(status: Path = _STATUS) -> Resident:
    """Look at this process."""
    try:
        lines = status.read_text(encoding="ascii").splitlines()
    except OSError:
        return Resident()
    found = {line.partition(":")[0]: line.split() for line in lines}

    def size(key: str) -> int:
        return int(found[key][1]) * _KIB if key in found else 0

    return Resident(size("RssAnon"), size("RssFile"))


def measured(
    footprint: Footprint,
    facts: Facts,
    promised: Promised,
    before: Resident,
    after: Resident | None = None,
) -> list[DeviceUse]:
    """Return what a model takes, the CPU last. `before`: the process before the
    model was opened, `after`: once it was; None: now.
    """
    after = after or resident()
    weights = _by_device(footprint.sizes(Section.MODEL, "model"))
    mapped = _mapped(footprint.sizes(Section.MODEL, "model"), facts)
    if mapped:
        weights[_CPU] = footprint.sizes(Section.MODEL, "model").get(_REPACKED, 0) + mapped
    kv_cache = _by_device(footprint.sizes(Section.MODEL, "KV", "RS", "state"))
    compute = _by_device(footprint.sizes(Section.MODEL, "compute", "output"))
    draft = _by_device(footprint.sizes(Section.DRAFT))
    projector = _by_device(footprint.sizes(Section.PROJECTOR))
    found = {device for sizes in (weights, kv_cache, compute, draft) for device in sizes}
    made = []
    for device in (*sorted(found - {_CPU}), _CPU):
        on_cpu = device == _CPU
        parts = Parts(
            weights=weights.get(device, 0),
            kv_cache=kv_cache.get(device, 0),
            compute=compute.get(device, 0) + (promised.compute if on_cpu else 0),
            caches=promised.caches if on_cpu else 0,
            draft=draft.get(device, 0),
            projector=projector.get(device, 0),
            process=_process(footprint, before, after) if on_cpu else 0,
        )
        made.append(DeviceUse(device=device, parts=parts, mapped=mapped if on_cpu else 0))
    return made


def _mapped(buffers: Mapping[str, int], facts: Facts) -> int:
    """Return the bytes of the tensors that are used where they are mapped; the mapping itself spans
    the whole file.
    """
    if _MAPPED not in buffers:
        return 0
    elsewhere = sum(size for name, size in buffers.items() if name != _MAPPED)
    loaded = facts.weights - sum(
        layer.dense.size + layer.experts.size for layer in facts.layers if layer.prediction
    )
    left = loaded - elsewhere
    if facts.tied and left < facts.input.size:
        left += facts.embedding  # they lie elsewhere a second time
    return max(left, facts.input.size)


def _process(footprint: Footprint, before: Resident, after: Resident) -> int:
    """Return what the process holds beside buffers that were filled when they were allocated."""
    filled = 0
    for section in (Section.MODEL, Section.DRAFT):
        held = footprint.sizes(section, "model", "KV", "RS", "state")
        filled += sum(size for name, size in held.items() if _is_filled(name))
    filled += sum(
        size for name, size in footprint.sizes(Section.PROJECTOR, "model").items() if not name
    )
    return max(0, after.anonymous - filled) + before.files


def _is_filled(buffer: str) -> bool:
    return _device(buffer) == _CPU and buffer != _MAPPED


def _by_device(buffers: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for buffer, size in buffers.items():
        device = _device(buffer)
        found[device] = found.get(device, 0) + size
    return found


def _device(buffer: str) -> str:
    """Return the device of a buffer: `CUDA0` is its own, `CUDA_Host` and `CPU_REPACK` lie in main
    memory, and so does what has no name.
    """
    if not buffer or buffer.endswith("_Host") or buffer.startswith(_CPU):
        return _CPU
    return buffer.removesuffix("_Mapped").removesuffix("_Private")
