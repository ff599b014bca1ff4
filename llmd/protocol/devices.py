"""What a process that looked at the devices tells the daemon."""

from __future__ import annotations

import msgspec


class Gpu(msgspec.Struct, frozen=True):
    """A device that layers can be offloaded to; sizes in bytes."""

    name: str
    """ggml's, such as `CUDA0`."""
    description: str
    total: int
    free: int
    bus: str = ""
    """Where it sits, such as `0000:c1:00.0`; empty: not known."""


class Sighting(msgspec.Struct, frozen=True):
    """All that was seen."""

    gpus: list[Gpu]
    features: str
    """What llama.cpp was built with and what the CPU can do, in its words: `AVX2 = 1 | ...`."""
