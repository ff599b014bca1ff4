"""How a model is described: what lies on disk (`ModelManifest`), what is loaded (`LoadedModel`),
how loading goes.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.protocol.questions import Pooling


class Kind(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"


class AdapterFile(msgspec.Struct, frozen=True):
    """A LoRA adapter of a model."""

    name: str
    path: str
    """Absolute path of its GGUF."""
    scale: float = 1.0
    """How strongly it acts where a request does not say."""
    default: bool = False
    """Whether requests that name no adapters run with it."""


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
    """Absolute paths of all parts, and of the projector."""
    projector: str = ""
    """Absolute path of the mmproj file that goes with it; empty: it takes text alone."""
    vision: bool = False
    """Whether requests may hold pictures."""
    audio: bool = False
    """Whether requests may hold sounds."""
    adapters: list[AdapterFile] = []
    pooling: Pooling = Pooling.MODEL
    """How it makes vectors where a request does not say."""


class Drafting(msgspec.Struct, frozen=True):
    """How a model speculates, see SpeculationSettings."""

    mode: str = "auto"
    longest: int = 32
    """Tokens drafted for one sequence in one step."""
    rows: int = 48
    """Tokens drafted in one step."""
    model: str = ""
    """Path of the draft model's GGUF; empty: there is none."""
    must_fit: bool = True
    """Whether loading fails when the draft model does not fit; else it is left out."""


class Memory(msgspec.Struct, frozen=True):
    """Bytes a loaded model takes, as far as they are known."""

    weights: int = 0
    kv_cache: int = 0
    resident: int = 0
    """Resident set of the worker process, measured."""


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine of a loaded model stands, at most about a second ago; tokens count since it
    was loaded.
    """

    running: int = 0
    """Sequences in the batch."""
    waiting: int = 0
    """Sequences in the line."""
    estimated_wait: float = 0.0
    """Seconds that a request coming now may wait."""
    kv_used: int = 0
    """Cells of the KV cache in use, parked prefixes included."""
    kv_parked: int = 0
    """Cells that only parked prefixes refer to; they make room when it is needed."""
    prefixes: int = 0
    """Parked prefixes."""
    steps: int = 0
    read_tokens: int = 0
    reused_tokens: int = 0
    generated_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    read_per_second: float = 0.0
    """Prompt tokens, over the last ten seconds."""
    generated_per_second: float = 0.0
    """Over the last ten seconds, of all sequences together."""
    draft_acceptance: float | None = None
    """Share of the drafted tokens that was accepted; None: nothing was drafted."""


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
    vision: bool = False
    audio: bool = False
    activity: Activity = Activity()
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
