"""The gRPC part of gateway.md, replayed against a real daemon."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import MessageToDict, ParseDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from llmd.server.rpc.generated import model_pb2 as pb
from llmd.server.rpc.generated.model_pb2_grpc import ModelServiceStub
from tests.fakes.certificates import Authority
from tests.integration.conftest import Daemon, MakeDaemon, wait_for

MODEL = "llmd-tiny"
SYSTEM = "你是一个有用的AI助手。"
ENDLESS = {"ignore_eos": True, "context_overflow": "shift"}


CLIENT = """
import sys
import grpc
from llmd.server.rpc.generated import model_pb2 as pb
from llmd.server.rpc.generated.model_pb2_grpc import ModelServiceStub

asked = pb.ChatCompletionRequest(messages=[pb.Message(role="user", content="Hello")])
asked.extra.update({"ignore_eos": True, "context_overflow": "shift"})
for chunk in ModelServiceStub(grpc.insecure_channel(sys.argv[1])).CreateChatCompletionStream(asked):
    print("chunk", flush=True)
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that the tests of this file share, with TLS as in the document."""
    shown = authority.sign("server")
    daemon = Daemon(
        tmp_path_factory.mktemp("home"),
        LLMD_GRPC_ENABLED="true",
        LLMD_GRPC_PORT="0",
        LLMD_GRPC_TLS_CERT=str(shown.chain),
        LLMD_GRPC_TLS_KEY=str(shown.key),
    ).start()
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
def channel(secure: Daemon, authority: Authority) -> Iterator[grpc.Channel]:
    # what NewClientTLSFromFile does in the document
    trust = grpc.ssl_channel_credentials(authority.ca.read_bytes())
    with grpc.secure_channel(address(secure), trust) as made:
        yield made


@pytest.fixture
def client(channel: grpc.Channel) -> ModelServiceStub:
    return ModelServiceStub(channel)


def address(daemon: Daemon) -> str:
    return str(daemon.call("GET", "/control/status")["grpc"])


def user(content: str) -> pb.Message:
    return pb.Message(role="user", content=content)


def endless(**fields: Any) -> pb.ChatCompletionRequest:
    asked = pb.ChatCompletionRequest(model_id=MODEL, messages=[user("Hello")], **fields)
    asked.extra.update(ENDLESS)
    return asked


def running(daemon: Daemon) -> int:
    model = daemon.loaded()
    return model["running"] if model else 0


def test_the_go_example_is_answered(client: ModelServiceStub) -> None:
    response = client.CreateChatCompletion(
        pb.ChatCompletionRequest(
            model_id=MODEL,
            messages=[
                pb.Message(role="system", content=SYSTEM),
                user("你好，请介绍一下自己。"),  # noqa: RUF001  the document's words
            ],
            max_tokens=500,
            temperature=0.7,
        ),
        timeout=60,
    )
    assert isinstance(response.choices[0].message.content, str)
    assert response.id.startswith("chatcmpl-")
    assert response.object == "chat.completion"
    assert response.model == MODEL
    assert abs(response.created - time.time()) < 600
    choice = response.choices[0]
    assert (choice.message.role, choice.index) == ("assistant", 0)
    assert choice.finish_reason in {"stop", "length"}
    usage = response.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_the_streaming_go_example_is_answered(client: ModelServiceStub) -> None:
    stream = client.CreateChatCompletionStream(
        pb.ChatCompletionRequest(
            model_id=MODEL,
            messages=[user("写一首关于春天的诗。")],
            max_tokens=20,
            temperature=0.8,
            stream=True,
        ),
        timeout=60,
    )
    chunks = list(stream)
    # what the example prints, without a look at anything else
    printed = [chunk.choices[0].delta.content for chunk in chunks]
    assert len(printed) > 2
    assert chunks[0].object == "chat.completion.chunk"
    assert chunks[-1].choices[0].finish_reason in {"stop", "length"}
    assert chunks[-1].usage.completion_tokens > 0
    assert dict(stream.initial_metadata())["x-llmd-queue-position"] == "0"


def test_a_greedy_answer_is_the_same_over_http(client: ModelServiceStub, secure: Daemon) -> None:
    question = "What is the capital of France?"
    asked = pb.ChatCompletionRequest(
        model_id=MODEL, messages=[user(question)], greedy=True, max_tokens=24
    )
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        "max_tokens": 24,
    }
    over_http = secure.call("POST", "/v1/chat/completions", body)
    whole = client.CreateChatCompletion(asked, timeout=60)
    streamed = client.CreateChatCompletionStream(asked, timeout=60)
    said = "".join(chunk.choices[0].delta.content for chunk in streamed)
    assert said == whole.choices[0].message.content
    assert said == over_http["choices"][0]["message"]["content"]
    assert whole.usage.prompt_tokens == over_http["usage"]["prompt_tokens"]


def test_texts_are_continued(client: ModelServiceStub) -> None:
    asked = pb.CompletionRequest(
        model_id=MODEL,
        prompt="Once upon a time",
        max_tokens=8,
        temperature=1.0,
        top_p=1.0,
        n=2,
        stop=["\n", "user:"],
    )
    whole = client.CreateCompletion(asked, timeout=60)
    assert whole.object == "text_completion"
    assert [choice.index for choice in whole.choices] == [0, 1]
    assert {choice.finish_reason for choice in whole.choices} <= {"stop", "length"}
    seen = set()
    for chunk in client.CreateCompletionStream(asked, timeout=60):
        assert chunk.choices
        seen |= {choice.index for choice in chunk.choices}
    assert seen == {0, 1}


def test_texts_become_vectors(client: ModelServiceStub) -> None:
    found = client.CreateEmbeddings(
        pb.EmbeddingsRequest(
            model_id=MODEL, input=["这是第一段文本", "这是第二段文本"], encoding_format="float"
        ),
        timeout=60,
    )
    assert (found.object, found.model) == ("list", MODEL)
    assert [(item.object, item.index) for item in found.data] == [
        ("embedding", 0),
        ("embedding", 1),
    ]
    assert len({len(item.embedding) for item in found.data}) == 1
    assert any(found.data[0].embedding)
    assert found.usage.prompt_tokens == found.usage.total_tokens > 0


def test_models_are_listed_and_described(client: ModelServiceStub) -> None:
    [model] = list(client.ListModels(pb.ListModelsRequest()).models)
    assert (model.id, model.provider, model.status) == (MODEL, "local", "active")
    assert {"chat", "completion"} <= set(model.capabilities)
    assert (model.deployment.type, model.deployment.quantization) == ("local", "int8")
    assert model.name
    assert model.description
    client.CreateChatCompletion(
        pb.ChatCompletionRequest(messages=[user("Hi")], max_tokens=2), timeout=60
    )
    details = client.GetModel(pb.GetModelRequest(model_id=MODEL))
    assert details.id == MODEL
    assert details.parameters.max_tokens > 0
    assert details.parameters.temperature.max > details.parameters.temperature.min == 0
    assert 0 < details.parameters.top_p.default <= 1
    assert details.pricing.currency == "USD"
    assert details.stats.average_latency_ms > 0
    assert details.stats.availability == 1
    assert details.deployment.hardware


def test_models_are_deployed_listed_and_unloaded(client: ModelServiceStub) -> None:
    begun = client.DeployLocalModel(
        pb.DeployLocalModelRequest(
            model_type=MODEL,
            target_nodes=["local"],
            deployment_config=pb.DeploymentConfig(max_batch_size=4, use_kv_cache=True),
        ),
        timeout=60,
    )
    assert begun.deployment_id.startswith("deploy-")
    assert begun.model_id == MODEL
    assert begun.progress_url == f"/models/local/deployments/{begun.deployment_id}"

    def status() -> pb.GetDeploymentStatusResponse:
        return client.GetDeploymentStatus(
            pb.GetDeploymentStatusRequest(deployment_id=begun.deployment_id)
        )

    wait_for(lambda: status().status != "in_progress", 60)
    ended = status()
    assert (ended.status, ended.progress) == ("completed", 100), ended
    assert [stage.name for stage in ended.stages] == [
        "preparation",
        "downloading_weights",
        "model_initialization",
        "model_loading",
        "service_registration",
    ]
    assert {stage.status for stage in ended.stages} == {"completed"}
    assert all(stage.duration.endswith("s") for stage in ended.stages)
    assert ended.logs[0].timestamp.endswith("Z")
    [local] = client.ListLocalModels(pb.ListLocalModelsRequest()).models
    assert (local.id, local.status, local.deployment.health) == (MODEL, "active", "healthy")
    assert local.performance.max_batch_size == 4
    assert local.deployment.memory_usage.endswith("B")
    assert local.deployment.loaded_at.endswith("Z")
    gone = client.UnloadLocalModel(pb.UnloadLocalModelRequest(model_id=MODEL))
    assert (gone.model_id, gone.status) == (MODEL, "unloading")
    assert list(gone.nodes) == [local.deployment.node_id]
    wait_for(lambda: not client.ListLocalModels(pb.ListLocalModelsRequest()).models)


def test_a_client_without_the_proto_finds_its_way(channel: grpc.Channel) -> None:
    """As grpcurl does it: list, describe, call by what was described."""
    ask = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="model.ModelService"),
    ]
    listed, described = ask(iter(questions), timeout=30)
    names = {service.name for service in listed.list_services_response.service}
    assert {"model.ModelService", "grpc.health.v1.Health"} <= names
    pool = descriptor_pool.DescriptorPool()
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(raw)
        for raw in described.file_descriptor_response.file_descriptor_proto
    ]
    for file in sorted(files, key=lambda file: len(file.dependency)):
        pool.Add(file)
    service = pool.FindServiceByName("model.ModelService")
    assert len(service.methods) == 11
    method = service.FindMethodByName("CreateChatCompletion")
    request = message_factory.GetMessageClass(method.input_type)
    answer = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=request.SerializeToString,
        response_deserializer=answer.FromString,
    )
    body = {"modelId": MODEL, "messages": [{"role": "user", "content": "Hi"}], "maxTokens": 4}
    found = MessageToDict(call(ParseDict(body, request()), timeout=60))
    assert found["choices"][0]["message"]["role"] == "assistant"


def test_health_is_told(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", "model.ModelService"):
        found = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=30)
        assert found.status == health_pb2.HealthCheckResponse.SERVING


def test_a_deadline_frees_the_sequence(client: ModelServiceStub, secure: Daemon) -> None:
    stream = client.CreateChatCompletionStream(endless(), timeout=1.0)
    with pytest.raises(grpc.RpcError) as raised:
        for _ in stream:
            pass
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: running(secure) == 0)


def test_a_client_that_leaves_frees_the_sequence(client: ModelServiceStub, secure: Daemon) -> None:
    stream = client.CreateChatCompletionStream(endless())
    next(stream)
    assert running(secure) == 1
    stream.cancel()
    wait_for(lambda: running(secure) == 0)


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"model_id": "nobody"}, {"NOT_FOUND": "model_not_found"}),
        (
            {"model_id": "../../etc/passwd"},
            {"NOT_FOUND": "model_not_found", "INVALID_ARGUMENT": "invalid_request"},
        ),
        ({"temperature": 9}, {"INVALID_ARGUMENT": "invalid_request"}),
        ({"stream": True}, {"INVALID_ARGUMENT": "invalid_request"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_status(
    client: ModelServiceStub, asked: dict[str, Any], codes: dict[str, str]
) -> None:
    request = pb.ChatCompletionRequest(messages=[user("Hi")], **asked)
    with pytest.raises(grpc.RpcError) as raised:
        client.CreateChatCompletion(request, timeout=60)
    told = dict(raised.value.trailing_metadata())
    assert told["llmd-error-code"] == codes[raised.value.code().name]
    assert len(told["x-request-id"]) == 32


def test_keys_that_do_not_count_are_refused(client: ModelServiceStub) -> None:
    forged = (("authorization", "Bearer llmd-" + "A" * 43),)
    with pytest.raises(grpc.RpcError) as raised:
        client.ListModels(pb.ListModelsRequest(), metadata=forged, timeout=30)
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    # as over HTTP, one that is none of llmd's only tells clients apart
    any_key = (("authorization", "Bearer any-key"),)
    assert client.ListModels(pb.ListModelsRequest(), metadata=any_key, timeout=30).models


def test_who_watches_hears_that_the_daemon_drains(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_GRPC_ENABLED="true", LLMD_GRPC_PORT="0")
    with grpc.insecure_channel(address(daemon)) as channel:
        client = ModelServiceStub(channel)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        asked = endless(max_tokens=150)
        stream = client.CreateChatCompletionStream(asked)
        next(stream)
        assert daemon.process
        daemon.process.terminate()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as raised:
            client.CreateChatCompletion(asked, timeout=30)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        # what runs already is finished
        assert list(stream)[-1].choices[0].finish_reason == "length"
        watch.cancel()
    assert daemon.process.wait(timeout=30) == 0


def test_an_open_daemon_does_not_listen_on_a_network(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", LLMD_GRPC_ENABLED="true", LLMD_GRPC_HOST="0.0.0.0")
    process = daemon.spawn()
    assert process.wait(timeout=30) != 0
    assert "grpc.host" in process.communicate()[1]


def test_keys_scopes_and_limits_count(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_GRPC_ENABLED="true", LLMD_GRPC_PORT="0", LLMD_SECURITY_MODE="keys")

    def key(**fields: object) -> tuple[str, tuple[tuple[str, str], ...]]:
        made = daemon.call("POST", "/control/keys", fields)
        return made["key"]["id"], (("x-api-key", made["secret"]),)

    def refused(call: Any) -> tuple[str, dict[str, Any]]:
        with pytest.raises(grpc.RpcError) as raised:
            list(call)
        return raised.value.code().name, dict(raised.value.trailing_metadata())

    with grpc.insecure_channel(address(daemon)) as channel:
        client = ModelServiceStub(channel)
        stream = client.CreateChatCompletionStream
        assert refused(stream(endless()))[0] == "UNAUTHENTICATED"
        identity, shown = key(scopes=["generate"])
        under_way = stream(endless(), metadata=shown)
        next(under_way)
        with pytest.raises(grpc.RpcError) as raised:
            client.UnloadLocalModel(pb.UnloadLocalModelRequest(model_id=MODEL), metadata=shown)
        assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
        # revoked in mid-stream
        daemon.call("DELETE", f"/control/keys/{identity}")
        assert refused(under_way)[0] == "UNAUTHENTICATED"
        wait_for(lambda: running(daemon) == 0)
        _, narrow = key(limits={"requests_per_minute": 1})
        assert len(list(stream(endless(max_tokens=3), metadata=narrow))) > 1
        code, told = refused(stream(endless(), metadata=narrow))
        assert (code, told["x-ratelimit-limit"]) == ("RESOURCE_EXHAUSTED", "1")
        assert int(told["retry-after"]) >= 1


def test_a_connection_that_drops_frees_the_sequence(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_GRPC_ENABLED="true", LLMD_GRPC_PORT="0")
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, address(daemon)], stdout=subprocess.PIPE
    )
    assert client.stdout
    assert client.stdout.readline() == b"chunk\n"
    assert running(daemon) == 1
    client.kill()
    client.communicate()
    wait_for(lambda: running(daemon) == 0)
