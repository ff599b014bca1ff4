from __future__ import annotations

import time

import pytest
from google.protobuf.json_format import MessageToDict

from llmd.errors import InvalidRequest
from llmd.protocol.deployments import (
    Deployment,
    DeploymentOptions,
    DeploymentOrder,
    DeploymentStatus,
    Fault,
    LogLine,
    Removal,
    Stage,
    StageName,
    StageStatus,
)
from llmd.protocol.directory import (
    Ability,
    DirectoryModel,
    Health,
    Knobs,
    Measured,
    Span,
    Standing,
    Whereabouts,
)
from llmd.server.rpc.convert import models
from llmd.server.rpc.generated import model_pb2 as pb

MODEL = DirectoryModel(
    id="deepseek-v3-14b",
    name="DeepSeek V3 14B",
    description="本地部署的 DeepSeek V3 14B 大型语言模型",
    version="3.0",
    capabilities=[Ability.CHAT, Ability.CODE],
    provider="local",
    status=Standing.ACTIVE,
    loaded=True,
    place=Whereabouts(
        node="worker-01",
        hardware="NVIDIA A100",
        quantization="int8",
        quantization_type="Q8_0",
        memory=28_000_000_000,
        loaded_at=1747908000.0,
        health=Health.HEALTHY,
        max_batch_size=8,
    ),
    parameters=Knobs(max_tokens=8192, temperature=Span(0, 2, 1), top_p=Span(0, 1, 0.95)),
    stats=Measured(requests=3, average_latency_ms=250, tokens_per_second=80, availability=0.995),
)
INTRODUCTION = {
    "id": "deepseek-v3-14b",
    "name": "DeepSeek V3 14B",
    "description": "本地部署的 DeepSeek V3 14B 大型语言模型",
    "version": "3.0",
    "capabilities": ["chat", "code"],
    "provider": "local",
    "status": "active",
    "deployment": {
        "type": "local",
        "hardware": "NVIDIA A100",
        "quantization": "int8",
        "quantization_type": "Q8_0",
    },
    "loaded": True,
}


def plain(message: object) -> dict[str, object]:
    return MessageToDict(message, preserving_proto_field_name=True)  # type: ignore[arg-type]


def test_models_are_listed_as_in_the_json() -> None:
    assert plain(models.models([MODEL])) == {"models": [INTRODUCTION]}


def test_a_model_is_described_as_in_the_json() -> None:
    assert plain(models.details(MODEL)) == INTRODUCTION | {
        "parameters": {
            "max_tokens": 8192,
            "temperature": {"max": 2.0, "default": 1.0},
            "top_p": {"max": 1.0, "default": 0.95},
        },
        "pricing": {"currency": "USD"},
        "stats": {
            "average_latency_ms": 250.0,
            "availability": 0.995,
            "tokens_per_second": 80.0,
            "requests": 3,
        },
    }


def test_loaded_models_are_listed_as_in_the_json() -> None:
    assert plain(models.local([MODEL])) == {
        "models": [
            {
                "id": "deepseek-v3-14b",
                "name": "DeepSeek V3 14B",
                "version": "3.0",
                "status": "active",
                "deployment": {
                    "node_id": "worker-01",
                    "hardware": "NVIDIA A100",
                    "memory_usage": "28GB",
                    "quantization": "int8",
                    "loaded_at": "2025-05-22T10:00:00Z",
                    "health": "healthy",
                    "quantization_type": "Q8_0",
                },
                "performance": {
                    "tokens_per_second": 80.0,
                    "avg_latency_ms": 250.0,
                    "max_batch_size": 8,
                },
            }
        ]
    }


def test_an_order_says_what_was_said_and_nothing_else() -> None:
    asked = pb.DeployLocalModelRequest(
        model_type="deepseek-v3",
        model_size="7b",
        quantization="int8",
        target_nodes=["worker-03"],
        deployment_config=pb.DeploymentConfig(
            max_batch_size=8, use_kv_cache=False, cpu_offload=False
        ),
    )
    assert models.order(asked) == DeploymentOrder(
        model_type="deepseek-v3",
        model_size="7b",
        quantization="int8",
        target_nodes=["worker-03"],
        deployment_config=DeploymentOptions(
            max_batch_size=8, use_kv_cache=False, cpu_offload=False
        ),
    )


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        (pb.DeployLocalModelRequest(), "model_type"),
        (
            pb.DeployLocalModelRequest(
                model_type="m", deployment_config=pb.DeploymentConfig(max_batch_size=0)
            ),
            "deployment_config.max_batch_size",
        ),
    ],
)
def test_orders_that_make_no_sense_are_refused(
    asked: pb.DeployLocalModelRequest, param: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        models.order(asked)
    assert raised.value.param == param


def deployment(**fields: object) -> Deployment:
    known: dict[str, object] = {
        "id": "deploy-123456",
        "model_id": "deepseek-v3-7b",
        "status": DeploymentStatus.IN_PROGRESS,
        "progress": 65,
        "current_stage": StageName.DOWNLOADING,
        "stages": [
            Stage(name=StageName.PREPARATION, status=StageStatus.COMPLETED, seconds=10.4),
            Stage(name=StageName.DOWNLOADING, status=StageStatus.IN_PROGRESS, progress=65),
            Stage(name=StageName.LOADING),
        ],
        "logs": [LogLine(timestamp=1748081700, level="info", message="开始部署模型")],
        "nodes": ["worker-03"],
        "created_at": 0.0,
        "updated_at": 0.0,
        "order": DeploymentOrder(model_type="m"),
    }
    return Deployment(**{**known, **fields})  # type: ignore[arg-type]


def test_what_was_begun_is_told_as_in_the_json() -> None:
    begun = plain(models.ordered(deployment(estimated_completion=time.time() + 300)))
    assert begun.pop("estimated_time") in {"5m", "4m59s"}
    assert begun == {
        "deployment_id": "deploy-123456",
        "status": "in_progress",
        "model_id": "deepseek-v3-7b",
        "progress_url": "/models/local/deployments/deploy-123456",
    }
    assert not models.ordered(deployment()).estimated_time


def test_progress_is_told_as_in_the_json() -> None:
    assert plain(models.progress(deployment(estimated_completion=1748082600.0))) == {
        "deployment_id": "deploy-123456",
        "model_id": "deepseek-v3-7b",
        "status": "in_progress",
        "progress": 65,
        "current_stage": "downloading_weights",
        "stages": [
            {"name": "preparation", "status": "completed", "duration": "10s"},
            {"name": "downloading_weights", "status": "in_progress", "progress": 65},
            {"name": "model_loading", "status": "pending"},
        ],
        "logs": [{"timestamp": "2025-05-24T10:15:00Z", "level": "info", "message": "开始部署模型"}],
        "estimated_completion": "2025-05-24T10:30:00Z",
        "nodes": ["worker-03"],
    }


def test_a_failure_says_why() -> None:
    failed = deployment(
        status=DeploymentStatus.FAILED, error=Fault(code="no_room", message="Full.", hint="Tidy.")
    )
    assert models.progress(failed).error == pb.Fault(code="no_room", message="Full.", hint="Tidy.")
    assert not models.progress(deployment()).HasField("error")


def test_a_removal_is_told_as_in_the_json() -> None:
    told = models.removed(Removal(model_id="m", status="unloading", nodes=["worker-03"]))
    assert plain(told) == {"model_id": "m", "status": "unloading", "nodes": ["worker-03"]}
