"""The directory and deployments as the gateway's objects, and what goes into its envelope. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from llmd.errors import InvalidRequest
from llmd.protocol import deployments as native
from llmd.protocol.directory import DirectoryModel, Whereabouts
from llmd.server.completions import schema as completions
from llmd.server.dialects.gateway import schema
from llmd.server.figures import length, moment, size

E = TypeVar("E", bound=schema.Envelope)
R = TypeVar(
    "R", completions.ChatRequest, completions.CompletionRequest, completions.EmbeddingRequest
)

_OK = 200


def enveloped(kind: type[E], data: object, identity: str) -> E:
    """Return an answer of a kind."""
    fields: dict[str, Any] = {"data": data}
    return kind(code=_OK, message="success", request_id=identity, **fields)


def addressed(asked: R, name: str) -> R:
    """Return a request to the model that the path names; raise InvalidRequest when its body names
    another one.
    """
    if asked.model and asked.model != name:
        raise InvalidRequest(
            f"The path names the model {name[:200]}, the body {asked.model[:200]}.",
            hint="Leave `model` out of the body.",
            param="model",
        )
    return msgspec.structs.replace(asked, model=name)


def models(found: Sequence[DirectoryModel]) -> schema.Models:
    """Return the list of models."""
    return schema.Models([schema.Model(**_introduction(model)) for model in found])


def details(model: DirectoryModel) -> schema.Details:
    """Return one model."""
    stats = model.stats
    return schema.Details(
        **_introduction(model),
        parameters=model.parameters,
        pricing=model.pricing,
        stats=schema.Stats(
            average_latency_ms=stats.average_latency_ms,
            availability=stats.availability,
            first_token_ms=stats.first_token_ms,
            tokens_per_second=stats.tokens_per_second,
            requests=stats.requests,
        ),
    )


def local(found: Sequence[DirectoryModel]) -> schema.LocalModels:
    """Return the models in memory."""
    return schema.LocalModels([_local(model) for model in found])


def begun(deployment: native.Deployment, now: float) -> schema.Begun:
    """Return what the deploy call answers."""
    ends = deployment.estimated_completion
    return schema.Begun(
        deployment_id=deployment.id,
        status=str(deployment.status),
        model_id=deployment.model_id,
        estimated_time=None if ends is None else length(max(0.0, ends - now)),
        progress_url=f"/models/local/deployments/{deployment.id}",
    )


def progress(deployment: native.Deployment) -> schema.Progress:
    """Return how far a deployment is."""
    ends, fault = deployment.estimated_completion, deployment.error
    return schema.Progress(
        deployment_id=deployment.id,
        model_id=deployment.model_id,
        status=str(deployment.status),
        progress=deployment.progress,
        current_stage=str(deployment.current_stage),
        stages=[_stage(stage) for stage in deployment.stages],
        logs=[
            schema.LogLine(moment(line.timestamp), line.level, line.message)
            for line in deployment.logs
        ],
        estimated_completion=None if ends is None else moment(ends),
        nodes=deployment.nodes,
        error=schema.Failure(fault.code, fault.message, fault.hint) if fault else None,
    )


def deployments(found: Sequence[native.Deployment]) -> schema.Deployments:
    """Return a list of deployments."""
    return schema.Deployments([progress(deployment) for deployment in found])


def leaving(removal: native.Removal) -> schema.Leaving:
    """Return what the call to unload answers."""
    return schema.Leaving(model_id=removal.model_id, status=removal.status, nodes=removal.nodes)


def _introduction(model: DirectoryModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "description": model.description,
        "version": model.version,
        "capabilities": [str(ability) for ability in model.capabilities],
        "provider": model.provider,
        "status": str(model.status),
        "loaded": model.loaded,
        "deployment": _placed(model.place),
    }


def _placed(place: Whereabouts) -> schema.Placed:
    return schema.Placed(
        hardware=place.hardware,
        quantization=place.quantization,
        quantization_type=place.quantization_type,
    )


def _local(model: DirectoryModel) -> schema.LocalModel:
    place, stats = model.place, model.stats
    return schema.LocalModel(
        id=model.id,
        name=model.name,
        version=model.version,
        status=str(model.status),
        deployment=schema.LocalPlace(
            node_id=place.node,
            hardware=place.hardware or "",
            memory_usage=size(place.memory),
            quantization=place.quantization,
            quantization_type=place.quantization_type,
            loaded_at=moment(place.loaded_at) if place.loaded_at else None,
            health=str(place.health or ""),
        ),
        performance=schema.Performance(
            tokens_per_second=stats.tokens_per_second,
            avg_latency_ms=stats.average_latency_ms,
            max_batch_size=place.max_batch_size,
        ),
    )


def _stage(stage: native.Stage) -> schema.Stage:
    return schema.Stage(
        name=str(stage.name),
        status=str(stage.status),
        duration=UNSET if stage.seconds is None else length(stage.seconds),
        progress=UNSET if stage.progress is None else stage.progress,
    )
