"""A plan for a model of which nothing but its size is known, such as one that was not pulled yet.

Today's models spend about 24 KiB of f16 cache for each token at a billion parameters, and grow by
the power of 0.7; that is right to a factor of two, which the plan says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmd.models.placement.shape import CELL_STEP, whole_cells
from llmd.models.placement.spreading import CPU
from llmd.models.placement.wishes import usual_context
from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Parts, Plan

_MIB = 2**20
_CELL = 24 * 1024
_GROWTH = 0.7
_COMPUTE_SHARE = 12
"""Weights to compute buffers, about."""
_LEAST_COMPUTE = 64 * _MIB
_PROCESS = 160 * _MIB
_SHARE_OF_FREE = 4
_KV_SHARE = {"f16": 1.0, "q8_0": 34 / 64, "q4_0": 18 / 64}
_NOTE = "Only its size is known: it was not pulled yet. Cache and buffers are a guess."


@dataclass(frozen=True, slots=True)
class Outline:
    """What a catalogue knows of a model; 0: nothing."""

    name: str
    size: int
    """Bytes of its weights."""
    parameters: int
    context_length: int
    """Tokens it was trained for."""


def guess(outline: Outline, options: LoadOptions, rooms: Sequence[DeviceRoom]) -> Plan:
    """Return a rough plan for one device: the GPU with most room if all fits there, else the
    CPU.
    """
    kv_type = options.kv_type or "f16"
    parallel = options.parallel or 16
    context = options.context_length or usual_context(
        outline.context_length, options.kv_tokens or 0
    )
    billions = (outline.parameters or outline.size * 2) / 1e9
    cell = max(1, int(_CELL * billions**_GROWTH * _KV_SHARE.get(kv_type, 1.0)))
    room, gpu = _room(outline, rooms, options, cell * context)
    affordable = room.free // _SHARE_OF_FREE // cell // CELL_STEP * CELL_STEP
    cells = options.kv_tokens or max(context, min(context * parallel, affordable))
    parts = Parts(
        weights=outline.size,
        kv_cache=whole_cells(cells) * cell,
        compute=max(_LEAST_COMPUTE, outline.size // _COMPUTE_SHARE),
        process=_PROCESS,
    )
    fits = parts.total <= room.free
    return Plan(
        model=outline.name,
        fits=fits,
        uses=[DeviceUse(device=room.device, parts=parts)],
        rooms=list(rooms),
        context_length=context,
        parallel=parallel,
        kv_tokens=whole_cells(cells),
        kv_type=kv_type,
        layers=0,
        gpu_layers=-1 if gpu else 0,
        notes=[_NOTE],
        problem=""
        if fits
        else f"{outline.name} needs about {parts.total / 2**30:.1f} GiB, but only "
        f"{room.free / 2**30:.1f} GiB of {room.device} are free.",
        rough=True,
    )


def _room(
    outline: Outline, rooms: Sequence[DeviceRoom], options: LoadOptions, cache: int
) -> tuple[DeviceRoom, bool]:
    """Return where it would go, and whether that is a GPU."""
    main = next(room for room in rooms if room.device == CPU)
    gpus = [room for room in rooms if room.device != CPU]
    wanted = options.prefer_gpu is not False and options.gpu_layers != 0
    best = max(gpus, key=lambda room: room.free) if gpus and wanted else None
    if best and (outline.size + cache < best.free or options.require_gpu):
        return best, True
    return main, False
