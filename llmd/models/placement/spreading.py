"""Which layer lies on which device, as llama.cpp decides it.

From `load_tensors` of src/llama-model.cpp in the pinned llama.cpp: the last layers are offloaded,
the output counts as one more, and of several GPUs each gets a run of layers by its share.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

CPU = "CPU"


@dataclass(frozen=True, slots=True)
class Placing:
    """What is said about where a model goes."""

    gpu_layers: int = 0
    """Layers to offload, the output counted as one."""
    gpus: tuple[str, ...] = ()
    split: tuple[float, ...] = ()
    """Share of each GPU; empty: equal ones."""
    cpu_moe: int = 0
    """Layers, counted from the first, whose experts stay on the CPU."""
    mapped: bool = True
    """Whether weights on the CPU are mapped from the file."""
    repacked: frozenset[str] = field(default_factory=frozenset)
    """Tensor types that the CPU's kernels want in another order, which takes a copy."""


def devices_of(layers: int, placing: Placing) -> list[str]:
    """Return the device of each of `layers` layers, and of the output behind them."""
    offloaded = min(placing.gpu_layers, layers + 1) if placing.gpus else 0
    first = layers + 1 - offloaded
    shares = _shares(len(placing.gpus), placing.split)
    found = [CPU] * first
    for index in range(offloaded):
        at = bisect_right(shares, index / offloaded)
        found.append(placing.gpus[min(at, len(placing.gpus) - 1)])
    return found


def _shares(count: int, split: Sequence[float]) -> list[float]:
    """Return where the share of each GPU ends, of 1."""
    shares = list(split[:count]) + [0.0] * (count - len(split)) if any(split) else [1.0] * count
    total = sum(shares)
    return [end / total for end in accumulate(shares)] if total else []
