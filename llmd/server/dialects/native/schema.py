"""Structs of the native API."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llmd.protocol.placement import LoadOptions
from llmd.server.completions.schema import Options, Usage
from llmd.server.dialects.native.errors import Problem


class Health(msgspec.Struct, frozen=True):
    """`GET /health`."""

    status: str
    model_loaded: bool
    memory_usage: str
    active_connections: int


class Load(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /models/{name}/load`; every field may be left out."""

    quantization: str | None = None
    """`q4_0` and its like: that variant, from disk, else fetched, else made."""
    prefer_gpu: bool | None = None
    n_gpu_layers: Annotated[int, Meta(ge=-1)] | None = None
    context_length: Annotated[int, Meta(ge=1)] | None = None
    keep_alive: Annotated[float, Meta(ge=-1)] | None = None
    """Seconds; -1: for ever."""
    stream: bool = False
    """Whether progress comes as JSON lines; else one answer comes when the model is loaded."""

    def options(self) -> LoadOptions:
        """Return how the model is to be loaded."""
        return LoadOptions(
            prefer_gpu=self.prefer_gpu,
            gpu_layers=self.n_gpu_layers,
            context_length=self.context_length,
            keep_alive=self.keep_alive,
        )


class Unload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /models/{name}/unload`; `force` also stops what is being answered."""

    force: bool = False


class NativeModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of `GET /models`, and what loading answers with."""

    name: str
    format: Literal["gguf"] = "gguf"
    size: str
    """Of the files, such as `4.2GB`."""
    loaded: bool
    memory_usage: str
    """Of its processes; `0B` when it is not loaded."""
    quantization: str
    kind: str
    parameters: int
    context_length: int
    size_bytes: int
    memory_bytes: int
    device: str | None = None
    """Where it is loaded."""
    default: bool = False


class OpenAIModel(msgspec.Struct, frozen=True, kw_only=True):
    """The same model under OpenAI's field names."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "llmd"


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /models`: the native list, and OpenAI's beside it for clients of either."""

    models: list[NativeModel]
    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a load or unload call."""

    status: Literal["loaded", "unloaded"]
    model: NativeModel
    load_seconds: float | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a streamed load call."""

    status: str
    """`downloading`, `quantizing`, `loading` and their like."""
    progress: float
    """Share of this step, from 0 to 1."""
    detail: str = ""


class Generate(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /generate` and `POST /generate/stream`, which streams whatever `stream` says; sampling
    and forms of answers as at `/v1`.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "prompt": "What is the capital of France?",
        "model": "llmd-tiny",
        "max_tokens": 512,
        "temperature": 0.7,
        "stream": False,
    }
    prompt: Annotated[str, Meta(min_length=1)]
    """What the user says: the model's chat template is laid around it."""
    system: str | None = None
    """System prompt; left out: the one of the model's preset, if it has one."""
    raw: bool | None = None
    """Whether the prompt is continued as it stands, without a template."""
    enable_thinking: bool | None = None
    reasoning_budget: Annotated[int, Meta(ge=-1)] | None = None
    """Longest reasoning in tokens; -1: without end."""


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `POST /generate`."""

    text: str
    usage: Usage
    latency: float
    """Seconds from the request to its answer."""
    model: str
    finish_reason: str
    """`stop` or `length`."""
    reasoning_content: str | UnsetType = UNSET


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a streamed answer. The last one has `finished` true and all fields after it, or
    the `error` that ended the answer.
    """

    token: str
    """More of the text, whole characters; empty when there is nothing to add, as in the events that
    keep a silent connection open.
    """
    finished: bool
    reasoning_content: str | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET
    usage: Usage | UnsetType = UNSET
    latency: float | UnsetType = UNSET
    model: str | UnsetType = UNSET
    error: Problem | UnsetType = UNSET


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /batch/generate`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "requests": [
            {"prompt": "What is the capital of France?", "max_tokens": 100},
            {"prompt": "What is the capital of Japan?", "max_tokens": 150},
        ]
    }
    requests: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=128)]
    """Bodies of `POST /generate`, read one by one: a wrong one spoils none of the others."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request of a batch: an answer as `POST /generate` gives it, or an error
    and nothing else.
    """

    text: str | UnsetType = UNSET
    usage: Usage | UnsetType = UNSET
    latency: float | UnsetType = UNSET
    """Seconds from the arrival of the batch to this answer."""
    model: str | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    error: Problem | UnsetType = UNSET


class Results(msgspec.Struct, frozen=True):
    """The answer to a batch: its results, in the order of its requests."""

    results: list[Result]
