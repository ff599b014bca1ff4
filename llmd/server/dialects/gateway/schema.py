"""Structs of the gateway API. Sizes and times are texts, as the document writes them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llmd.protocol.deployments import DeploymentOrder
from llmd.protocol.directory import Knobs, Pricing
from llmd.server.completions import schema as completions
from llmd.server.completions.problems import Problem


class Deploy(DeploymentOrder, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /models/local/deploy`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "model_type": "deepseek-v3",
        "model_size": "7b",
        "quantization": "int8",
        "target_nodes": ["worker-03"],
        "deployment_config": {
            "max_batch_size": 8,
            "use_flash_attention": True,
            "use_kv_cache": True,
            "tensor_parallel_size": 1,
            "cpu_offload": False,
        },
    }


class Listing(msgspec.Struct, frozen=True):
    """What `GET /models` may be asked."""

    available: bool = False
    """Whether what could be deployed is listed too."""


class Unload(msgspec.Struct, frozen=True):
    """What `DELETE /models/local/{model_id}` may be told."""

    force: bool = False
    """Whether answers under way are broken off; else a model that answers is 409."""


class Page(msgspec.Struct, frozen=True):
    """Which deployments are wanted, of the newest first."""

    skip: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """How a model runs."""

    type: Literal["local"] = "local"
    hardware: str | None
    """Devices that hold it; null: it is not loaded."""
    quantization: str
    """As the deploy call takes it, such as `int8`."""
    quantization_type: str
    """In llama.cpp's words, such as `Q8_0`."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model of `GET /models`."""

    id: str
    name: str
    description: str
    version: str
    capabilities: list[str]
    provider: str
    status: str
    """`active`: it answers, and is loaded when somebody asks if it is not; `loading`, `unloading`,
    `waiting`; `inactive`: its file is gone; `available`: it can be deployed.
    """
    loaded: bool
    deployment: Placed


class Models(msgspec.Struct, frozen=True):
    """The models there are."""

    models: list[Model]


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """How the latest requests to a model went, since the daemon started; null: there were none."""

    average_latency_ms: float | None
    """From arrival to the end of the answer."""
    availability: float | None
    """Share of the requests that did not fail through llmd's fault."""
    first_token_ms: float | None
    tokens_per_second: float | None
    requests: int


class Details(Model, frozen=True, kw_only=True):
    """`GET /models/{model_id}`."""

    parameters: Knobs
    pricing: Pricing
    stats: Stats


class LocalPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how a model is loaded."""

    node_id: str
    hardware: str
    memory_usage: str
    """Measured, such as `28GB`."""
    quantization: str
    quantization_type: str
    loaded_at: str | None
    """Null: it is being loaded."""
    health: str
    """`healthy`, `starting`, `stopping` or `unhealthy`."""


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """How a loaded model performs; null: not measured yet."""

    tokens_per_second: float | None
    """Of one answer."""
    avg_latency_ms: float | None
    max_batch_size: int
    """Answers that decode together."""


class LocalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory."""

    id: str
    name: str
    version: str
    status: str
    deployment: LocalPlace
    performance: Performance


class LocalModels(msgspec.Struct, frozen=True):
    """The models in memory."""

    models: list[LocalModel]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment that goes on now."""

    deployment_id: str
    status: str
    model_id: str
    """What the model is called by then."""
    estimated_time: str | None
    """Such as `5m`; null: the size of the model is not known yet."""
    progress_url: str


class Stage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stage of a deployment."""

    name: str
    status: str
    """`pending`, `in_progress`, `completed`, `failed` or `cancelled`."""
    duration: str | UnsetType = UNSET
    progress: int | UnsetType = UNSET
    """Percent, while it goes on."""


class LogLine(msgspec.Struct, frozen=True):
    """Something that happened."""

    timestamp: str
    level: str
    message: str


class Failure(msgspec.Struct, frozen=True):
    """Why a deployment failed."""

    code: str
    message: str
    hint: str
    """What to do about it."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a deployment is."""

    deployment_id: str
    model_id: str
    status: str
    """`in_progress`, `completed`, `failed` or `cancelled`."""
    progress: int
    """Percent."""
    current_stage: str
    stages: list[Stage]
    logs: list[LogLine]
    estimated_completion: str | None
    nodes: list[str]
    error: Failure | None


class Deployments(msgspec.Struct, frozen=True):
    """Deployments, newest first."""

    deployments: list[Progress]


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """What `DELETE /models/local/{model_id}` has begun."""

    model_id: str
    status: str
    """`unloading`, or `cancelled` for a model that was still being deployed."""
    nodes: list[str]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer has around it."""

    code: int
    """The HTTP status."""
    message: str
    request_id: str
    """As in `X-Request-Id`."""


class ModelsAnswer(Envelope, frozen=True, kw_only=True):
    """`GET /models`."""

    data: Models


class DetailsAnswer(Envelope, frozen=True, kw_only=True):
    """`GET /models/{model_id}`."""

    data: Details


class LocalAnswer(Envelope, frozen=True, kw_only=True):
    """`GET /models/local`."""

    data: LocalModels


class BegunAnswer(Envelope, frozen=True, kw_only=True):
    """`POST /models/local/deploy`."""

    data: Begun


class ProgressAnswer(Envelope, frozen=True, kw_only=True):
    """`GET /models/local/deployments/{deployment_id}`."""

    data: Progress


class DeploymentsAnswer(Envelope, frozen=True, kw_only=True):
    """`GET /models/local/deployments`."""

    data: Deployments


class LeavingAnswer(Envelope, frozen=True, kw_only=True):
    """`DELETE /models/local/{model_id}`."""

    data: Leaving


class ChatAnswer(Envelope, frozen=True, kw_only=True):
    """`POST /models/{model_id}/chat/completions`."""

    data: completions.ChatCompletion


class TextAnswer(Envelope, frozen=True, kw_only=True):
    """`POST /models/{model_id}/completions`."""

    data: completions.TextCompletion


class EmbeddingsAnswer(Envelope, frozen=True, kw_only=True):
    """`POST /models/{model_id}/embeddings`."""

    data: completions.EmbeddingList


class ErrorAnswer(Envelope, frozen=True, kw_only=True):
    """Every error."""

    data: None = None
    error: Problem
    """llmd's addition: a code that programs can tell apart, and what was wrong."""
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "code": 404,
        "message": "There is no model gpt-4.",
        "data": None,
        "request_id": "uuid",
        "error": {
            "message": "There is no model gpt-4.",
            "type": "not_found_error",
            "param": "model",
            "code": "model_not_found",
        },
    }
