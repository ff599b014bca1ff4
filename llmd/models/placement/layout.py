"""The bytes of a model by device and by what they are for, given how it is run and where it goes.

On the CPU a weight is mapped from the file, and costs nothing but page cache that the system can
take back, unless its type is one that llama.cpp repacks for quicker kernels: then it is copied. It
repacks only where there is no GPU, since the memory of the CPU is then pinned for the GPU's sake.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from llmd.models.gguf.caching import ELEMENT
from llmd.models.gguf.compression import compressed_cells
from llmd.models.gguf.facts import Facts, Layer, Weights
from llmd.models.placement.compute import compute_size, masks_size, output_size
from llmd.models.placement.shape import Run, Shape, draft_run, layer_cells, run_of
from llmd.models.placement.spreading import CPU, Placing, devices_of
from llmd.models.placement.subject import Subject, context_size, process_size
from llmd.protocol.placement import DeviceUse, Parts

_STATE_ELEMENT = 4
_FLOAT = 4


@dataclass(slots=True)
class _Tally:
    """Sums up by device and part."""

    bytes: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    mapped: int = 0

    def add(self, device: str, part: str, size: int) -> None:
        self.bytes[device, part] += size

    def uses(self, devices: tuple[str, ...]) -> list[DeviceUse]:
        made = []
        for device in (*devices, CPU):
            parts = {part: self.bytes[device, part] for part in Parts.__struct_fields__}
            mapped = self.mapped if device == CPU else 0
            made.append(DeviceUse(device=device, parts=Parts(**parts), mapped=mapped))
        return [use for use in made if use.parts.total or use.device == CPU]


def layout(subject: Subject, shape: Shape, placing: Placing, shelf: int = 0) -> list[DeviceUse]:
    """Return what a model takes of each device, the CPU last; `shelf`: memory for prefixes that
    were set aside.
    """
    facts, extras = subject.facts, subject.extras
    run = run_of(facts, shape)
    where = devices_of(len(facts.layers), placing)
    tally = _Tally()
    _add_weights(tally, facts, placing, where, prediction=extras.prediction)
    for layer, device in zip(facts.layers, where, strict=False):
        tally.add(device, "kv_cache", layer_cache(facts, layer, run))
    _add_compute(tally, facts, run, where, "compute")
    if shape.generates:
        _add_guests(tally, subject, shape, placing, where)
    tally.add(CPU, "caches", shelf + extras.media_cache)
    tally.add(CPU, "process", process_size(subject, run.cells))
    for device in set(where) - {CPU}:
        tally.add(device, "process", context_size(device))
    return tally.uses(placing.gpus)


def layer_cache(facts: Facts, layer: Layer, run: Run) -> int:
    """Return the bytes of cells and states of one layer, on the device where it lies."""
    cells = layer_cells(layer, run)
    elements = (layer.cached_keys + layer.cached_values + layer.cached_index) * cells
    elements += layer.compressed * compressed_cells(run.cells, layer.compression)
    streams = run.sequences if facts.separate_streams else 1
    states = layer.state * _STATE_ELEMENT * run.sequences
    return int(elements * streams * ELEMENT[run.kv_type]) + states


def window_size(facts: Facts, kv_type: str) -> int:
    """Return the bytes of what layers that attend to a window keep of one sequence."""
    layers = (layer for layer in facts.layers if layer.windowed)
    elements = sum(layer.cached_keys + layer.cached_values for layer in layers)
    return int(facts.window * elements * ELEMENT[kv_type])


def _add_weights(
    tally: _Tally, facts: Facts, placing: Placing, where: list[str], *, prediction: bool
) -> None:
    def add(weights: Weights, device: str, *, kernels: bool = True) -> None:
        tally.add(device, "weights", weights.size)
        if device != CPU or not placing.mapped:
            return
        copied = sum(size for kind, size in weights.types.items() if kind in placing.repacked)
        tally.mapped += weights.size - (copied if kernels and not placing.gpus else 0)

    add(facts.input, CPU, kernels=False)
    add(facts.output, where[-1])
    if facts.tied and _doubled(facts, placing, where[-1]):
        tally.add(where[-1], "weights", facts.embedding)
    held = facts.layers if prediction else [x for x in facts.layers if not x.prediction]
    for number, layer in enumerate(held):
        device = where[number]
        add(layer.dense, device)
        add(layer.experts, CPU if number < placing.cpu_moe else device)


def _doubled(facts: Facts, placing: Placing, device: str) -> bool:
    """Whether embeddings that serve as the output too lie there a second time."""
    kind = max(facts.input.types, key=lambda name: facts.input.types[name], default="")
    return device != CPU or (kind in placing.repacked and not placing.gpus)


def _add_compute(tally: _Tally, facts: Facts, run: Run, where: list[str], part: str) -> None:
    full = compute_size(facts, run)
    for device in set(where) - {CPU}:
        tally.add(device, part, full)
    # where all is offloaded, the CPU prepares what goes in
    entry = masks_size(facts, run) + run.padded * facts.width * _FLOAT
    tally.add(CPU, part, full if CPU in where else min(full, entry))
    tally.add(CPU, part, output_size(facts, run))


def _add_guests(
    tally: _Tally, subject: Subject, shape: Shape, placing: Placing, where: list[str]
) -> None:
    """Add what is loaded beside the model: projector, draft model, prediction layers."""
    facts, extras, last = subject.facts, subject.extras, where[-1]
    tally.add(placing.gpus[0] if last != CPU else CPU, "projector", extras.projector)
    run = draft_run(shape)
    if extras.draft:
        drafter = extras.draft
        lies = devices_of(len(drafter.layers), placing)
        inner = _Tally()
        _add_weights(inner, drafter, placing, lies, prediction=False)
        for layer, device in zip(drafter.layers, lies, strict=False):
            inner.add(device, "kv_cache", layer_cache(drafter, layer, run))
        _add_compute(inner, drafter, run, lies, "compute")
        for (device, _), size in inner.bytes.items():
            tally.add(device, "draft", size)
        tally.mapped += inner.mapped
    elif extras.prediction:
        predicting = [layer for layer in facts.layers if layer.prediction]
        alone = msgspec.structs.replace(facts, layers=predicting)
        for layer in predicting:
            elements = layer.kv_heads * (layer.key_length + layer.value_length) * run.cells
            tally.add(last, "draft", int(elements * ELEMENT[run.kv_type]))
        tally.add(last, "draft", compute_size(alone, run))
        tally.add(CPU, "draft", output_size(facts, run))
