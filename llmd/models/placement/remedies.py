"""What would make a model fit that does not: tried, not guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llmd.models.placement.arranging import Arrangement, Fitting
from llmd.models.placement.searching import largest
from llmd.models.placement.shape import CELL_STEP, whole_cells
from llmd.models.placement.spreading import CPU
from llmd.models.placement.wishes import LEAST_CONTEXT, Wishes
from llmd.protocol.placement import LoadOptions, Remedy

_GIB = 2**30
_LEAST_BITS = 1.6
_QUANTISATIONS = (
    ("Q8_0", 8.5),
    ("Q6_K", 6.6),
    ("Q5_K_M", 5.7),
    ("Q4_K_M", 4.9),
    ("Q3_K_M", 4.0),
    ("Q2_K", 3.2),
    ("IQ2_M", 2.8),
    ("IQ1_S", 1.9),
)
"""Bits for each weight, of a whole model."""

Refit = Callable[[Wishes], Fitting]


def remedies(fitting: Fitting, refit: Refit) -> list[Remedy]:
    """Return what would help, the least painful first; empty: nothing that is known here."""
    wishes = fitting.wishes
    if wishes.require_gpu and not fitting.gpus:
        return _without_gpu(wishes, refit)
    found = [
        *(_tighter(wishes, refit) or _shorter(wishes, refit)),
        *_packed(wishes, refit),
        *_fewer(wishes, refit),
        *_without_gpu(wishes, refit),
    ]
    return found or _smaller(fitting)


def problem(fitting: Fitting) -> str:
    """Say what is missing, as a sentence."""
    name, wishes = fitting.subject.name, fitting.wishes
    if wishes.require_gpu and not fitting.gpus:
        return f"{name} is to be loaded on a GPU only, and there is none that llama.cpp can use."
    arrangement = fitting.least()
    worst = max(arrangement.uses, key=fitting.missing)
    needed = worst.parts.total
    free = fitting.rooms.get(worst.device, 0)
    where = "memory" if worst.device == CPU else f"the memory of {worst.device}"
    return (
        f"{name} needs {_gib(needed)} of {where}{_extent(wishes, arrangement)}, of which its "
        f"weights are {_gib(worst.parts.weights)}, but only {_gib(free)} are free."
    )


def _extent(wishes: Wishes, arrangement: Arrangement) -> str:
    if not wishes.generates:
        return ""
    if wishes.kv_tokens:
        return f" with a KV cache of {wishes.kv_tokens} tokens"
    return f" with a context of {arrangement.shape.context_length}"


def _tighter(wishes: Wishes, refit: Refit) -> list[Remedy]:
    """Fewer cells than were asked for still hold a context, only fewer at a time."""
    if not wishes.generates or not wishes.kv_tokens:
        return []

    def fits(cells: int) -> bool:
        context = min(wishes.context_length, cells)
        tighter = replace(wishes, kv_tokens=cells, context_length=context)
        return refit(tighter).search() is not None

    least = whole_cells(wishes.context_length if wishes.asked_context else LEAST_CONTEXT)
    cells = largest(least, wishes.kv_tokens, fits, CELL_STEP)
    if cells is None:
        return []
    text = f"A KV cache of {cells} tokens (kv_tokens) fits."
    return [Remedy(text=text, options=LoadOptions(kv_tokens=cells))]


def _shorter(wishes: Wishes, refit: Refit) -> list[Remedy]:
    if not wishes.generates or wishes.context_length <= CELL_STEP:
        return []

    def fits(context: int) -> bool:
        cells = min(wishes.kv_tokens, context)
        shorter = replace(wishes, context_length=context, asked_context=True, kv_tokens=cells)
        return refit(shorter).search() is not None

    context = largest(CELL_STEP, wishes.context_length, fits, CELL_STEP)
    if context is None or (context < LEAST_CONTEXT and not wishes.asked_context):
        return []
    if wishes.kv_tokens:
        text = f"A context and a KV cache (kv_tokens) of {context} tokens fit."
        options = LoadOptions(context_length=context, kv_tokens=context)
    else:
        text = f"A context of {context} tokens fits."
        options = LoadOptions(context_length=context)
    return [Remedy(text=text, options=options)]


def _packed(wishes: Wishes, refit: Refit) -> list[Remedy]:
    if wishes.kv_type == "q4_0" or not wishes.flash or not wishes.generates:
        return []
    for kv_type in ("q8_0", "q4_0"):
        if kv_type != wishes.kv_type and refit(replace(wishes, kv_type=kv_type)).search():
            text = f"A KV cache of type {kv_type} fits."
            return [Remedy(text=text, options=LoadOptions(kv_type=kv_type))]
    return []


def _fewer(wishes: Wishes, refit: Refit) -> list[Remedy]:
    """Fewer sequences take fewer states and less of the compute buffers."""
    if wishes.parallel == 1 or not wishes.generates:
        return []
    found = largest(
        1, wishes.parallel - 1, lambda n: refit(replace(wishes, parallel=n)).search() is not None
    )
    if found is None:
        return []
    text = f"{found} sequences at a time (parallel) fit."
    return [Remedy(text=text, options=LoadOptions(parallel=found))]


def _without_gpu(wishes: Wishes, refit: Refit) -> list[Remedy]:
    freed = replace(wishes, require_gpu=False, gpu_layers=-1, asked_layers=False, cpu_moe=None)
    if freed == wishes:
        return []
    found = refit(freed).search()
    if found is None:
        return []
    layers = found.placing.gpu_layers
    text = f"It fits with {layers} layers on GPUs." if layers else "It fits on the CPU."
    options = LoadOptions(require_gpu=False, gpu_layers=layers)
    return [Remedy(text=text, options=options)]


def _smaller(fitting: Fitting) -> list[Remedy]:
    """Name the largest quantisation that would fit, since nothing else helps."""
    arrangement, facts = fitting.least(), fitting.subject.facts
    weights = sum(use.parts.weights for use in arrangement.uses)
    lacking = sum(max(0, fitting.missing(use)) for use in arrangement.uses)
    room = weights - lacking
    bits = 8 * room / facts.parameters if facts.parameters else 0.0
    if bits < _LEAST_BITS:
        return [Remedy(text="Close other programs, or take a model with fewer parameters.")]
    kind = next((name for name, needed in _QUANTISATIONS if needed <= bits), "")
    named = f", such as {kind}," if kind else ""
    return [Remedy(text=f"A quantisation{named} whose weights take {_gib(room)} would fit.")]


def _gib(size: int) -> str:
    return f"{size / _GIB:.2f} GiB" if size < _GIB else f"{size / _GIB:.1f} GiB"
