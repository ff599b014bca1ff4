"""The frames on the socketpair between the daemon and one worker; request ids are the daemon's."""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.protocol.events import Accepted, Delta, Embeddings, Finished
from llmd.protocol.requests import EmbedRequest, GenerateRequest


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


class Generate(msgspec.Struct, frozen=True, tag="generate"):
    """Answer this request."""

    id: int
    request: GenerateRequest


class Embed(msgspec.Struct, frozen=True, tag="embed"):
    """Embed these inputs."""

    id: int
    request: EmbedRequest


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop working on this request; nothing more is sent for it."""

    id: int


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Exit now."""


ToWorker = Load | Generate | Embed | Cancel | Stop


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


class LoadError(msgspec.Struct, frozen=True, tag="load_error"):
    """Loading failed; `error` is `LlmdError.to_wire()`. The worker exits."""

    error: dict[str, Any]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request failed; `error` is `LlmdError.to_wire()`."""

    error: dict[str, Any]


class Embedded(msgspec.Struct, frozen=True, tag="embedded"):
    """The answer to `Embed`."""

    result: Embeddings


WorkerEvent = Accepted | Delta | Finished | Failed | Embedded


class Batch(msgspec.Struct, frozen=True, tag="batch"):
    """Everything one decode step produced; `steps` counts decode calls since the start, and shows
    progress.
    """

    steps: int
    events: list[tuple[int, WorkerEvent]]
    cancel_seconds: list[float] = []
    """Time from each Cancel that took effect in this step to its sequence being gone."""


class Log(msgspec.Struct, frozen=True, tag="log"):
    """A line of llama.cpp's log; `level` is a LogLevel."""

    level: str
    text: str


FromWorker = Loading | Ready | LoadError | Batch | Log
