"""Deployments: a model is fetched, quantised, loaded and found to answer, as one job that goes on
after the daemon was restarted.

Times are seconds since the epoch, progress is in percent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class DeploymentOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a deployed model is loaded; what is left out is as the settings say."""

    max_batch_size: Annotated[int, Meta(ge=1, le=256)] | None = None
    """Answers that decode together."""
    use_flash_attention: bool | None = None
    """Whether attention is computed without storing its scores."""
    use_kv_cache: bool | None = None
    """llmd has no other way, so that false is refused."""
    tensor_parallel_size: Annotated[int, Meta(ge=1, le=64)] | None = None
    """GPUs that share the weights equally; 1: wherever they fit best."""
    cpu_offload: bool | None = None
    """Whether layers that no GPU has room for stay on the CPU; false: loading fails instead, where
    there are GPUs.
    """


class DeploymentOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be deployed."""

    model_type: Annotated[str, Meta(min_length=1, max_length=512)]
    """A family of the catalogue, or with an empty size any name that can be pulled."""
    model_size: Annotated[str, Meta(max_length=64)] = ""
    """Such as `7b`."""
    quantization: Annotated[str, Meta(max_length=64)] = ""
    """`int8` (Q8_0), `int4` (Q4_K_M), `fp16`, or a GGUF type; empty: the usual one."""
    target_nodes: list[str] = []
    """This machine's name, `local` or `localhost`; empty means it too."""
    deployment_config: DeploymentOptions = DeploymentOptions()


class DeploymentStatus(StrEnum):
    """Where a deployment stands."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageName(StrEnum):
    """The stages, in their order."""

    PREPARATION = "preparation"
    """The name is looked up, memory planned, the disk looked at."""
    DOWNLOADING = "downloading_weights"
    INITIALIZATION = "model_initialization"
    """The file is verified and registered, or made by quantising another one."""
    LOADING = "model_loading"
    REGISTRATION = "service_registration"
    """The model is asked something, and found to answer."""


class StageStatus(StrEnum):
    """Where a stage stands; one that had nothing to do is completed."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage."""

    name: StageName
    status: StageStatus = StageStatus.PENDING
    seconds: float | None = None
    """How long it took, attempts of earlier daemons included; None: it goes on, or has not
    begun.
    """
    spent: float = 0.0
    """How long it has taken so far."""
    progress: int | None = None
    """Percent; None: it has not begun, or is completed."""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened."""

    timestamp: float
    level: str
    """`info`, `warning` or `error`."""
    message: str


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a deployment failed."""

    code: str
    """Of the LlmdError."""
    message: str
    hint: str = ""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment as it stands."""

    id: str
    model_id: str
    """Name of the model; until its file is registered, the name that is expected."""
    status: DeploymentStatus
    progress: int
    """Percent of the whole."""
    current_stage: StageName
    """The last one begun."""
    stages: list[Stage]
    """All of them, in order."""
    logs: list[LogLine]
    """The latest, oldest first."""
    nodes: list[str]
    created_at: float
    updated_at: float
    order: DeploymentOrder
    user: str = ""
    """Id of the account that ordered it."""
    estimated_completion: float | None = None
    """By the rate at which bytes come; None: not known, or it has ended."""
    error: Fault | None = None


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What asking for a model's end has led to."""

    model_id: str
    status: str
    """`unloading`, or `cancelled` for a model that was still being deployed."""
    nodes: list[str]
