"""The directory and deployments as messages of model.proto. Pure."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from llmd.protocol.deployments import (
    Deployment,
    DeploymentOrder,
    Fault,
    Removal,
    Stage,
)
from llmd.protocol.directory import DirectoryModel, Span, Whereabouts
from llmd.server.figures import length, moment, size
from llmd.server.http.body import decode_json
from llmd.server.rpc.generated import model_pb2 as pb


def models(found: list[DirectoryModel]) -> pb.ListModelsResponse:
    """Return the models there are."""
    return pb.ListModelsResponse(
        models=[
            pb.Model(**_introduction(model), deployment=_deployment(model.place)) for model in found
        ]
    )


def details(model: DirectoryModel) -> pb.GetModelResponse:
    """Return one model."""
    return pb.GetModelResponse(
        **_introduction(model),
        deployment=_deployment(model.place),
        parameters=pb.Parameters(
            max_tokens=model.parameters.max_tokens,
            temperature=_range(model.parameters.temperature),
            top_p=_range(model.parameters.top_p),
        ),
        pricing=pb.Pricing(
            input_per_1k_tokens=model.pricing.input_per_1k_tokens,
            output_per_1k_tokens=model.pricing.output_per_1k_tokens,
            currency=model.pricing.currency,
        ),
        stats=pb.Stats(
            average_latency_ms=model.stats.average_latency_ms,
            availability=model.stats.availability,
            first_token_ms=model.stats.first_token_ms,
            tokens_per_second=model.stats.tokens_per_second,
            requests=model.stats.requests,
        ),
    )


def local(found: list[DirectoryModel]) -> pb.ListLocalModelsResponse:
    """Return the models in memory."""
    return pb.ListLocalModelsResponse(models=[_local(model) for model in found])


def order(asked: pb.DeployLocalModelRequest) -> DeploymentOrder:
    """Return what is to be deployed; raise InvalidRequest."""
    config = asked.deployment_config
    # what was not said stays unsaid, what was said goes on, zeros and falsehoods too
    said = {field.name: value for field, value in config.ListFields()}
    fields: dict[str, Any] = {
        "model_type": asked.model_type,
        "model_size": asked.model_size,
        "quantization": asked.quantization,
        "target_nodes": list(asked.target_nodes),
        "deployment_config": said,
    }
    return decode_json(msgspec.json.encode(fields), DeploymentOrder)


def ordered(deployment: Deployment) -> pb.DeployLocalModelResponse:
    """Return what has been begun."""
    expected = deployment.estimated_completion
    return pb.DeployLocalModelResponse(
        deployment_id=deployment.id,
        status=str(deployment.status),
        model_id=deployment.model_id,
        estimated_time=length(max(0.0, expected - time.time())) if expected else "",
        progress_url=f"/models/local/deployments/{deployment.id}",
    )


def progress(deployment: Deployment) -> pb.GetDeploymentStatusResponse:
    """Return how far a deployment is."""
    expected = deployment.estimated_completion
    return pb.GetDeploymentStatusResponse(
        deployment_id=deployment.id,
        model_id=deployment.model_id,
        status=str(deployment.status),
        progress=deployment.progress,
        current_stage=str(deployment.current_stage),
        stages=[_stage(stage) for stage in deployment.stages],
        logs=[
            pb.LogEntry(timestamp=moment(entry.timestamp), level=entry.level, message=entry.message)
            for entry in deployment.logs
        ],
        estimated_completion=moment(expected) if expected else "",
        error=_fault(deployment.error),
        nodes=deployment.nodes,
    )


def removed(removal: Removal) -> pb.UnloadLocalModelResponse:
    """Return what has become of a model that nobody wants any more."""
    return pb.UnloadLocalModelResponse(
        model_id=removal.model_id, status=removal.status, nodes=removal.nodes
    )


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
    }


def _deployment(place: Whereabouts) -> pb.Deployment:
    return pb.Deployment(
        type="local",
        hardware=place.hardware or "",
        quantization=place.quantization,
        quantization_type=place.quantization_type,
    )


def _local(model: DirectoryModel) -> pb.LocalModel:
    place = model.place
    return pb.LocalModel(
        id=model.id,
        name=model.name,
        version=model.version,
        status=str(model.status),
        deployment=pb.LocalDeployment(
            node_id=place.node,
            hardware=place.hardware or "",
            memory_usage=size(place.memory),
            quantization=place.quantization,
            loaded_at=moment(place.loaded_at) if place.loaded_at else "",
            health=str(place.health or ""),
            quantization_type=place.quantization_type,
        ),
        performance=pb.Performance(
            tokens_per_second=model.stats.tokens_per_second,
            avg_latency_ms=model.stats.average_latency_ms,
            max_batch_size=place.max_batch_size,
        ),
    )


def _range(span: Span) -> pb.Range:
    return pb.Range(min=span.min, max=span.max, default=span.default)


def _stage(stage: Stage) -> pb.Stage:
    return pb.Stage(
        name=str(stage.name),
        status=str(stage.status),
        duration="" if stage.seconds is None else length(stage.seconds),
        progress=stage.progress,
    )


def _fault(fault: Fault | None) -> pb.Fault | None:
    if fault is None:
        return None
    return pb.Fault(code=fault.code, message=fault.message, hint=fault.hint)
