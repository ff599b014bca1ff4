"""How a model is described: what lies on disk (`ModelManifest`), what is loaded (`LoadedModel`),
how loading goes.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.protocol.placement import DeviceUse, LoadOptions
from llmd.protocol.questions import Pooling


class Kind(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"


class Medium(StrEnum):
    """What a request may hold beside text."""

    IMAGE = "image"
    AUDIO = "audio"


class AdapterFile(msgspec.Struct, frozen=True):
    """A LoRA adapter of a model."""

    name: str
    path: str
    """Absolute path of its GGUF."""
    scale: float = 1.0
    """How strongly it acts where a request does not say."""
    default: bool = False
    """Whether requests that name no adapters run with it."""


class SamplingDefaults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a model is sampled where a request does not say; None: as the settings say."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    """Texts that end an answer, beside those of the request."""


class Turn(msgspec.Struct, frozen=True):
    """A message of an example conversation."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


class Preset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user, a catalogue or a registry laid upon a model's file."""

    base: str = ""
    """The model it was made from; empty: it is that model itself."""
    system: str = ""
    """System prompt of conversations that bring none."""
    template: str = ""
    """Jinja source of a chat template, instead of the file's."""
    messages: list[Turn] = []
    """Turns that stand before each conversation, behind its system prompt."""
    license: str = ""
    sampling: SamplingDefaults = SamplingDefaults()


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One registered model; stored as JSON, shown by `llmd ls` and `llmd show`."""

    name: str
    path: str
    """Absolute path of the GGUF, or of the first part of a split one."""
    source: str
    """Where it came from: `builtin`, `hf://OWNER/REPO/FILE`, `ollama://NAME:TAG` and other forms
    that can be pulled, `file://PATH`, or the tool that had it, such as `lm-studio://...`.
    """
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
    draft: str = ""
    """Name of the registered model that drafts for it; empty: as the settings say."""
    preset: Preset = Preset()
    options: LoadOptions = LoadOptions()
    """How it is loaded."""
    source_preset: Preset = Preset()
    """What its source gave along; where `preset` says something else, somebody here did."""
    source_options: LoadOptions = LoadOptions()
    digests: dict[str, str] = {}
    """SHA-256 of the files by absolute path, as far as they are known; `llmd verify` compares."""
    format: int = 1
    """Version of this record; a newer llmd may write a higher one."""

    @property
    def media(self) -> frozenset[Medium]:
        """What requests may hold beside text."""
        able = {Medium.IMAGE: self.vision, Medium.AUDIO: self.audio}
        return frozenset(medium for medium, taken in able.items() if taken)


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
    cache_bytes: int = 0
    """What prefixes set aside in plain memory, and encoded media, take."""
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

    WAITING = "waiting"
    """Requests wait for it until another one makes room."""
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
    keep_alive: float | None = None
    """Seconds that it stays when idle; None: for ever."""
    pinned: bool = False
    """Whether it is never unloaded to make room."""
    instances: int = 1
    """Workers that serve it now; running, memory and cells are those of all of them."""
    pids: list[int] = []
    waiting: int = 0
    """Requests that cannot begin before it is loaded, or because it must make room."""
    options: LoadOptions = LoadOptions()
    """What its manifest, orders and first request said about loading it."""
    predicted: list[DeviceUse] = []
    """What it was planned to take, all workers together."""
    measured: list[DeviceUse] = []
    """What it takes."""


class LoadFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A model that could not be loaded when it was last tried."""

    model: str
    at: float
    """Seconds since the epoch."""
    code: str
    """Of the LlmdError."""
    message: str
    hint: str = ""


class PullProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How a download stands; sent about four times a second."""

    status: str
    """`resolving`, `waiting` (for its hours, or for another process), `downloading`, `verifying`,
    `registering` or `done`; `copying` a local file.
    """
    name: str = ""
    file: str = ""
    done: int = 0
    """Bytes that are there, earlier attempts included."""
    total: int = 0
    """Bytes of all files; 0: not known yet."""
    rate: float = 0.0
    """Bytes per second, lately."""
    remaining: float | None = None
    """Seconds left at that rate; None: not known."""
    note: str = ""
    """What is unusual just now, as a sentence: a retry, a file that changed at its source."""
    waiting_until: float | None = None
    """When it goes on, seconds since the epoch, for one that waits for its hours."""


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """What a download would fetch; sizes in bytes."""

    name: str
    """As progress would call it."""
    size: int = 0
    """Of all files; 0: not known."""
    here: int = 0
    """What of it is there already."""
    problem: str = ""
    """Why the disk has no room for it, as sentences; empty: it has."""


class LoadProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How loading stands."""

    status: str
    """`loading` or `ready`."""
    fraction: float
    model: LoadedModel | None = None
