from __future__ import annotations

import msgspec
import pytest

from llmd.errors import InvalidRequest, NoRoom
from llmd.protocol.deployments import DeploymentOrder, Removal, StageName
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
from llmd.server.completions.schema import EmbeddingRequest
from llmd.server.dialects.gateway import convert, schema
from llmd.services.deploying import Course
from llmd.services.deploying.course import begun

AT = 1_747_908_000.0
MODEL = DirectoryModel(
    id="deepseek-v3-14b",
    name="DeepSeek V3 14B",
    description="本地部署的 DeepSeek V3 14B 大型语言模型",
    version="3.0",
    capabilities=[Ability.CHAT, Ability.COMPLETION, Ability.CODE],
    provider="local",
    status=Standing.ACTIVE,
    loaded=True,
    place=Whereabouts(
        node="worker-01",
        hardware="NVIDIA A100",
        quantization="int8",
        quantization_type="Q8_0",
        memory=28 * 10**9,
        loaded_at=AT,
        health=Health.HEALTHY,
        max_batch_size=8,
    ),
    parameters=Knobs(max_tokens=8192, temperature=Span(0, 2, 1), top_p=Span(0, 1, 1)),
    stats=Measured(requests=3, average_latency_ms=250, tokens_per_second=80, availability=0.995),
)


def test_the_list_has_the_fields_of_the_document() -> None:
    [model] = msgspec.to_builtins(convert.models([MODEL]))["models"]
    assert model == {
        "id": "deepseek-v3-14b",
        "name": "DeepSeek V3 14B",
        "description": "本地部署的 DeepSeek V3 14B 大型语言模型",
        "version": "3.0",
        "capabilities": ["chat", "completion", "code"],
        "provider": "local",
        "status": "active",
        "loaded": True,
        "deployment": {
            "type": "local",
            "hardware": "NVIDIA A100",
            "quantization": "int8",
            "quantization_type": "Q8_0",
        },
    }


def test_details_add_limits_prices_and_figures() -> None:
    model = msgspec.to_builtins(convert.details(MODEL))
    assert model["parameters"] == {
        "max_tokens": 8192,
        "temperature": {"min": 0, "max": 2, "default": 1},
        "top_p": {"min": 0, "max": 1, "default": 1},
    }
    assert model["pricing"] == {
        "input_per_1k_tokens": 0,
        "output_per_1k_tokens": 0,
        "currency": "USD",
    }
    assert model["stats"]["average_latency_ms"] == 250
    assert model["stats"]["availability"] == 0.995


def test_local_models_have_the_fields_of_the_document() -> None:
    [model] = msgspec.to_builtins(convert.local([MODEL]))["models"]
    assert model == {
        "id": "deepseek-v3-14b",
        "name": "DeepSeek V3 14B",
        "version": "3.0",
        "status": "active",
        "deployment": {
            "node_id": "worker-01",
            "hardware": "NVIDIA A100",
            "memory_usage": "28GB",
            "quantization": "int8",
            "quantization_type": "Q8_0",
            "loaded_at": "2025-05-22T10:00:00Z",
            "health": "healthy",
        },
        "performance": {"tokens_per_second": 80, "avg_latency_ms": 250, "max_batch_size": 8},
    }


def test_a_deployment_tells_its_stages_as_the_document_does() -> None:
    now = AT
    course = Course(
        begun("deepseek-v3-7b", DeploymentOrder(model_type="m"), "", ["worker-03"], now),
        lambda: now,
    )
    course.expect(300.0)
    first = msgspec.to_builtins(convert.begun(course.deployment, now))
    identity = course.deployment.id
    assert first == {
        "deployment_id": identity,
        "status": "in_progress",
        "model_id": "deepseek-v3-7b",
        "estimated_time": "5m",
        "progress_url": f"/models/local/deployments/{identity}",
    }
    course.enter(StageName.PREPARATION)
    course.say("开始部署模型")
    now += 10
    course.enter(StageName.DOWNLOADING)
    course.advance(StageName.DOWNLOADING, 0.65, 890.0)
    found = msgspec.to_builtins(convert.progress(course.deployment))
    assert found["stages"] == [
        {"name": "preparation", "status": "completed", "duration": "10s"},
        {"name": "downloading_weights", "status": "in_progress", "progress": 65},
        {"name": "model_initialization", "status": "pending"},
        {"name": "model_loading", "status": "pending"},
        {"name": "service_registration", "status": "pending"},
    ]
    assert found["logs"] == [
        {"timestamp": "2025-05-22T10:00:00Z", "level": "info", "message": "开始部署模型"}
    ]
    assert found["estimated_completion"] == "2025-05-22T10:15:00Z"
    assert found["current_stage"] == "downloading_weights"
    assert found["error"] is None


def test_an_unknown_end_is_null() -> None:
    new = begun("m", DeploymentOrder(model_type="m"), "", [], 0.0)
    assert convert.begun(new, 0.0).estimated_time is None
    assert convert.progress(new).estimated_completion is None


def test_a_failed_deployment_says_why() -> None:
    course = Course(begun("m", DeploymentOrder(model_type="m"), "", [], 0.0), lambda: 0.0)
    course.fail(NoRoom("No room.", hint="Make some."))
    [found] = msgspec.to_builtins(convert.deployments([course.deployment]))["deployments"]
    assert found["error"] == {"code": "no_room", "message": "No room.", "hint": "Make some."}


def test_a_removal_names_its_nodes() -> None:
    removal = Removal(model_id="m", status="unloading", nodes=["n"])
    assert msgspec.to_builtins(convert.leaving(removal)) == {
        "model_id": "m",
        "status": "unloading",
        "nodes": ["n"],
    }


def test_answers_are_put_into_the_envelope() -> None:
    made = convert.enveloped(schema.LocalAnswer, schema.LocalModels([]), "r-1")
    assert msgspec.to_builtins(made) == {
        "code": 200,
        "message": "success",
        "data": {"models": []},
        "request_id": "r-1",
    }


def test_the_path_names_the_model() -> None:
    asked = EmbeddingRequest(input="a")
    assert convert.addressed(asked, "m").model == "m"
    assert convert.addressed(EmbeddingRequest(input="a", model="m"), "m").model == "m"
    with pytest.raises(InvalidRequest) as caught:
        convert.addressed(EmbeddingRequest(input="a", model="n"), "m")
    assert caught.value.param == "model"
