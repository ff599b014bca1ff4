"""How a model is described: what lies on disk (`ModelManifest`), what is loaded (`LoadedModel`),
how loading goes.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One registered model; stored as JSON, shown by `llmd ls` and `llmd show`."""

    name: str
    path: str
    """Absolute path of the GGUF, or of the first part of a split one."""
    source: str
    """`builtin`, `hf://OWNER/REPO/FILE` or `file://PATH`."""
    kind: Kind
    architecture: str
    parameters: int
    """Number of weights."""
    quantization: str
    """The file type in llama.cpp's words, for example `Q4_K_M`."""
    size: int
    """Bytes of all parts."""
    context_length: int
    """Tokens the model was trained for."""
    added: float
    """When it was registered, seconds since the epoch."""
    owned: bool
    """Whether llmd fetched the file and may delete it."""
    has_chat_template: bool = False
    files: list[str] = []
    """Absolute paths of all parts."""


class Memory(msgspec.Struct, frozen=True):
    """Bytes a loaded model takes, as far as they are known."""

    weights: int = 0
    kv_cache: int = 0
    resident: int = 0
    """Resident set of the worker process, measured."""


class ModelState(StrEnum):
    """Where a loaded model stands."""

    LOADING = "loading"
    READY = "ready"
    UNLOADING = "unloading"


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model in memory; a row of `llmd ps`."""

    name: str
    state: ModelState
    kind: Kind
    pid: int
    context_length: int = 0
    parallel: int = 0
    kv_tokens: int = 0
    gpu_layers: int = 0
    device: str = "CPU"
    running: int = 0
    """Requests in progress, waiting ones included."""
    memory: Memory = Memory()
    loaded_at: float = 0.0
    load_seconds: float = 0.0
    expires_in: float | None = None
    """Seconds until it is unloaded if nobody asks; None: it stays."""
    progress: float = 1.0
    """Share of the file read, while loading."""


class PullProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How a download stands; sent about four times a second."""

    status: str
    """`resolving`, `downloading`, `verifying`, `registering` or `done`."""
    name: str = ""
    file: str = ""
    done: int = 0
    """Bytes that are there, earlier attempts included."""
    total: int = 0
    """Bytes of all files; 0: not known yet."""
    rate: float = 0.0
    """Bytes per second, lately."""


class LoadProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How loading stands."""

    status: str
    """`loading` or `ready`."""
    fraction: float
    model: LoadedModel | None = None
