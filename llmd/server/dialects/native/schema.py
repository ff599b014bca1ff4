"""Structs of the native API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from llmd.protocol.placement import LoadOptions


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
