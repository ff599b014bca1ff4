"""The frames on the socketpair between the daemon and one worker; request ids are the daemon's."""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.protocol.events import Accepted, Delta, Finished, Queued, Reading
from llmd.protocol.models import AdapterFile, Drafting
from llmd.protocol.placement import DeviceUse
from llmd.protocol.questions import Pooling, Question, Reply
from llmd.protocol.requests import GenerateRequest


class Senses(msgspec.Struct, frozen=True):
    """The projector of a model, and the limits for what it is shown and played."""

    projector: str
    """Path of the mmproj file."""
    max_pixels: int
    """Of one picture."""
    max_audio: float
    """Seconds of one sound."""
    cache: int
    """Bytes of embeddings kept for pictures and sounds that come again."""


class Shelf(msgspec.Struct, frozen=True):
    """Where warm prefixes are kept on the disk, and how much of it they may take."""

    directory: str
    limit: int
    """Bytes, of all models together."""
    spare: int
    """Bytes to leave free."""


class Load(msgspec.Struct, frozen=True, tag="load"):
    """First frame to a worker: load this file. Values of 0 mean automatic, see EngineSettings."""

    path: str
    embedding: bool
    context_length: int
    parallel: int
    kv_tokens: int
    kv_type: str
    batch: int
    prefill_chunk: int
    threads: int
    gpu_layers: int
    max_queue: int
    prefixes: int = 0
    slowdown: float = 2.0
    prefill_threads: int = 0
    flash_attention: str = "auto"
    full_windows: bool = True
    """Whether layers that attend to a window keep all tokens; otherwise a window of each sequence.
    """
    shelf: Shelf | None = None
    shelf_memory: int | None = None
    """Bytes for prefixes that the KV cache gave up; None: a share of what is free."""
    adapters: list[AdapterFile] = []
    pooling: Pooling = Pooling.MODEL
    senses: Senses | None = None
    """None: the model takes text alone."""
    drafting: Drafting = Drafting()
    tensor_split: list[float] = []
    """Share of each GPU; empty: by what is free."""
    cpu_moe: int = 0
    """Layers, counted from the first, whose experts stay on the CPU."""
    mmap: bool = True
    mlock: bool = False
    require_gpu: bool = False
    """Whether loading fails where there is no GPU."""
    template: str = ""
    """Chat template (Jinja) instead of the file's; empty: the file's own."""


class Generate(msgspec.Struct, frozen=True, tag="generate"):
    """Answer this request."""

    id: int
    request: GenerateRequest


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Answer this question in one piece."""

    id: int
    question: Question


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop working on this request; nothing more is sent for it."""

    id: int


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Exit now."""


class Shrink(msgspec.Struct, frozen=True, tag="shrink"):
    """Give up so many bytes of caches."""

    bytes: int


class Share(msgspec.Struct, frozen=True, tag="share"):
    """So many workers compute at this moment; use your share of the threads."""

    workers: int


ToWorker = Load | Generate | Ask | Cancel | Shrink | Share | Stop


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """Share of the file that is read, 0 to 1."""

    fraction: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded; what the worker settled on."""

    context_length: int
    parallel: int
    kv_tokens: int
    gpu_layers: int
    device: str
    weights: int
    """Bytes."""
    kv_cache: int
    """Bytes."""
    embedding_width: int
    has_chat_template: bool
    vision: bool = False
    """Whether requests may hold pictures."""
    audio: bool = False
    """Whether requests may hold sounds."""
    measured: list[DeviceUse] = []
    """What it takes of each device, the CPU last, caches at their full size."""


class LoadError(msgspec.Struct, frozen=True, tag="load_error"):
    """Loading failed; `error` is `LlmdError.to_wire()`. The worker exits."""

    error: dict[str, Any]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request failed; `error` is `LlmdError.to_wire()`."""

    error: dict[str, Any]


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """The answer to `Ask`."""

    reply: Reply


WorkerEvent = Accepted | Queued | Reading | Delta | Finished | Failed | Answered


class Figures(msgspec.Struct, frozen=True):
    """How the engine stands; counts since the start unless they say otherwise."""

    running: int
    """Sequences in the batch now."""
    waiting: int
    """Sequences in the line now."""
    estimated_wait: float
    """Seconds that a request coming now may wait."""
    kv_used: int
    """Cells in use now, parked prefixes included."""
    kv_parked: int
    """Cells in use now that only parked prefixes refer to."""
    prefixes: int
    """Parked prefixes now."""
    steps: int
    read_tokens: int
    reused_tokens: int
    generated_tokens: int
    drafted_tokens: int
    accepted_tokens: int
    cache_bytes: int = 0
    """What prefixes set aside in memory, and encoded media, take now."""


class Batch(msgspec.Struct, frozen=True, tag="batch"):
    """Everything one decode step produced; `steps` counts decode calls since the start, and shows
    progress.
    """

    steps: int
    events: list[tuple[int, WorkerEvent]]
    cancel_seconds: list[float] = []
    """Time from each Cancel that took effect in this step to its sequence being gone."""
    figures: Figures | None = None
    """About once a second while there is work, and when it ends."""


class Log(msgspec.Struct, frozen=True, tag="log"):
    """A line of llama.cpp's log; `level` is a LogLevel."""

    level: str
    text: str


class Shrunk(msgspec.Struct, frozen=True, tag="shrunk"):
    """Caches gave up so many bytes."""

    bytes: int


FromWorker = Loading | Ready | LoadError | Batch | Shrunk | Log
