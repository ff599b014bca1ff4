"""Turns what was found into a plan that can be shown, kept and carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmd.models.placement.arranging import Arrangement, Fitting
from llmd.models.placement.compute import UNCERTAIN
from llmd.models.placement.correcting import Lesson
from llmd.models.placement.remedies import problem, remedies
from llmd.models.placement.subject import Subject
from llmd.models.placement.wishes import Wishes
from llmd.protocol.placement import DeviceRoom, Plan

_MIB = 2**20


def arrange(
    subject: Subject,
    wishes: Wishes,
    rooms: Sequence[DeviceRoom],
    *,
    repacked: frozenset[str] = frozenset(),
    lessons: Sequence[Lesson] = (),
) -> Plan:
    """Return how to load a model into `rooms`, the best that fits; where nothing does, the least it
    takes, and why.

    `repacked` are the tensor types that this machine's kernels copy; `lessons` what earlier loads
    of the model taught.
    """

    def refit(changed: Wishes) -> Fitting:
        return Fitting(subject, changed, rooms, repacked, lessons)

    fitting = refit(wishes)
    lacks_gpu = wishes.require_gpu and not fitting.gpus
    found = None if lacks_gpu else fitting.search()
    chosen = found or fitting.least()
    return Plan(
        model=subject.name,
        fits=found is not None,
        uses=chosen.uses,
        rooms=list(rooms),
        context_length=chosen.shape.context_length,
        parallel=wishes.parallel,
        kv_tokens=chosen.shape.cells,
        kv_type=wishes.kv_type,
        full_windows=chosen.shape.full_windows,
        layers=fitting.all_layers,
        gpu_layers=chosen.placing.gpu_layers,
        cpu_moe=chosen.placing.cpu_moe,
        tensor_split=list(chosen.placing.split),
        mapped=wishes.mmap,
        locked=wishes.mlock,
        shelf_memory=chosen.shelf,
        shrunk=found is not None and _is_shrunk(fitting, found),
        notes=_notes(fitting, chosen) if found else [],
        problem="" if found else problem(fitting),
        remedies=[] if found else remedies(fitting, refit),
        corrected=bool(lessons),
    )


def _is_shrunk(fitting: Fitting, found: Arrangement) -> bool:
    wanted = replace(fitting.wanted, full_windows=found.shape.full_windows)
    return (
        found.shape.context_length < wanted.context_length
        or found.shape.cells < fitting.cells(wanted)
        or found.placing.gpu_layers < wanted.gpu_layers
        or found.placing.cpu_moe > wanted.cpu_moe
        or found.shelf < fitting.shelf()
    )


def _notes(fitting: Fitting, found: Arrangement) -> list[str]:
    wishes, shape, placing = fitting.wishes, found.shape, found.placing
    notes = []
    if shape.context_length < wishes.context_length:
        notes.append(
            f"The context is {shape.context_length} tokens instead of {wishes.context_length}: "
            "there is no memory for more."
        )
    if fitting.gpus and placing.gpu_layers < fitting.wanted.gpu_layers:
        notes.append(f"{placing.gpu_layers} of {fitting.all_layers} layers fit on GPUs.")
    if placing.cpu_moe > fitting.wanted.cpu_moe:
        notes.append(f"The experts of the first {placing.cpu_moe} layers stay on the CPU.")
    if wishes.generates and shape.cells < shape.context_length * wishes.parallel:
        notes.append(
            f"The KV cache holds {shape.cells} tokens, shared by {wishes.parallel} sequences."
        )
    if not shape.full_windows:
        notes.append(
            f"Layers with a sliding window keep {fitting.subject.facts.window} tokens of each "
            "sequence, not all."
        )
    mapped = sum(use.mapped for use in found.uses)
    if mapped:
        notes.append(
            f"{mapped / _MIB:.0f} MiB of the weights are mapped from the file: the system can take "
            "them back, and reads them again."
        )
    if fitting.subject.facts.architecture in UNCERTAIN:
        notes.append("The compute buffers of this architecture are a guess until it was loaded.")
    return notes
