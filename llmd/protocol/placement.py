"""How a model is to be loaded (`LoadOptions`), and where its bytes go, planned and measured."""

from __future__ import annotations

import msgspec


class LoadOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user says about loading one model; None: as the settings say. Kept in a manifest,
    given with `llmd load`, `llmd plan` and the load calls of the dialects, where the later one
    wins.
    """

    context_length: int | None = None
    """Tokens one sequence may hold."""
    parallel: int | None = None
    """Sequences that decode together."""
    kv_tokens: int | None = None
    """Cells of the KV cache, shared by all sequences."""
    kv_type: str | None = None
    """`f16`, `q8_0` or `q4_0`."""
    flash_attention: str | None = None
    """`auto`, `on` or `off`."""
    gpu_layers: int | None = None
    """Layers to offload; -1: all."""
    prefer_gpu: bool | None = None
    """False: everything stays on the CPU."""
    require_gpu: bool | None = None
    """Whether loading fails when not all of it can be offloaded."""
    tensor_split: list[float] | None = None
    """Share of each GPU."""
    cpu_moe: int | None = None
    """Layers, counted from the first, whose experts stay on the CPU; -1: all."""
    mlock: bool | None = None
    """Whether the weights are kept from being swapped out."""
    mmap: bool | None = None
    """Whether the weights are mapped from the file rather than read."""
    keep_alive: float | None = None
    """Seconds until it is unloaded when idle; -1: never."""
    pinned: bool | None = None
    """Whether it is never unloaded to make room for another model."""
    instances: int | None = None
    """Workers that serve it side by side."""


class Parts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes of one model on one device, by what they are for."""

    weights: int = 0
    kv_cache: int = 0
    """States of recurrent layers included."""
    compute: int = 0
    """Buffers of the compute graph, and logits."""
    caches: int = 0
    """Prefixes set aside in memory and encoded media."""
    draft: int = 0
    """The draft model with its KV cache."""
    projector: int = 0
    process: int = 0
    """The worker itself: interpreter, libraries, vocabulary."""

    @property
    def total(self) -> int:
        """Return the sum."""
        return sum(getattr(self, field) for field in self.__struct_fields__)


class DeviceUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes, or would take, of one device."""

    device: str
    """`CPU`, or ggml's name, such as `CUDA0`."""
    parts: Parts
    mapped: int = 0
    """Of the weights, what is mapped from the file: the system can take it back when memory runs
    short, and must read it again then.
    """


class DeviceRoom(msgspec.Struct, frozen=True, kw_only=True):
    """A device and what one more model may take of it, in bytes."""

    device: str
    total: int
    free: int
    """What nobody uses, less what loaded models have claimed and not touched yet."""
    description: str = ""
    others: int | None = None
    """What other programs use; None: not known."""


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would make a model fit."""

    text: str
    """What to do, as a sentence."""
    options: LoadOptions | None = None
    """The options that do it; None: it is done in another way."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a model would be loaded, and what it would take; `llmd plan` shows it."""

    model: str
    fits: bool
    uses: list[DeviceUse]
    """By device, the CPU last."""
    rooms: list[DeviceRoom]
    """What it was planned for."""
    context_length: int
    parallel: int
    kv_tokens: int
    kv_type: str
    full_windows: bool = True
    """Whether layers that attend to a window keep all tokens, or a window of each sequence."""
    layers: int
    """Those that can be offloaded, the output counted as one."""
    gpu_layers: int = 0
    cpu_moe: int = 0
    """Layers, counted from the first, whose experts stay on the CPU."""
    tensor_split: list[float] = []
    mapped: bool = True
    """Whether weights are mapped from the file."""
    locked: bool = False
    """Whether weights are kept from being swapped out."""
    shelf_memory: int = 0
    """Bytes for prefixes that are set aside."""
    shrunk: bool = False
    """Whether it would be loaded with more, of context or on GPUs, were there more room."""
    notes: list[str] = []
    """What was decided on the way, as sentences."""
    problem: str = ""
    """Why it does not fit, as a sentence; empty: it does."""
    remedies: list[Remedy] = []
    evicted: list[str] = []
    """Idle models that would be unloaded for it."""
    load_seconds: float | None = None
    """About how long loading takes; None: not known."""
    corrected: bool = False
    """Whether figures of an earlier load were used."""
    rough: bool = False
    """Whether only the size of the model is known, not its shape."""
