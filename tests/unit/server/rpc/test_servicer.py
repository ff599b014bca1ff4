from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from llmd.protocol.deployments import (
    Deployment,
    DeploymentOrder,
    DeploymentStatus,
    Removal,
    StageName,
)
from llmd.protocol.events import Queued
from llmd.server.rpc.door import SERVICE, Streaming
from llmd.server.rpc.generated import model_pb2 as pb
from llmd.server.rpc.generated.model_pb2_grpc import ModelServiceStub
from llmd.server.rpc.servicer import METHODS
from tests.unit.server.rpc.conftest import Connect
from tests.unit.services.conftest import Bench

ASKED = pb.ChatCompletionRequest(messages=[pb.Message(role="user", content="a b")], greedy=True)


def test_every_method_of_the_service_is_answered_in_its_manner() -> None:
    answered = {method.name: isinstance(method, Streaming) for method in METHODS}
    assert answered == {method.name: method.server_streaming for method in SERVICE.methods}
    assert len(answered) == 11


async def test_a_conversation_is_answered(stub: ModelServiceStub) -> None:
    call = stub.CreateChatCompletion(ASKED)
    answer = await call
    assert answer.choices[0].message.content == "ab"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.usage.total_tokens == 4
    told = dict(await call.initial_metadata())
    assert told["x-llmd-queue-position"] == "0"
    assert len(told["x-request-id"]) == 32
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= told.keys()


async def test_a_conversation_is_answered_piece_by_piece(stub: ModelServiceStub) -> None:
    chunks = [chunk async for chunk in stub.CreateChatCompletionStream(ASKED)]
    # as the document's example reads it: the first choice of every chunk
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == "ab"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens == 2
    assert not any(chunk.HasField("usage") for chunk in chunks[:-1])


async def test_a_text_is_continued_whole_and_piece_by_piece(stub: ModelServiceStub) -> None:
    asked = pb.CompletionRequest(prompt="a b", n=2, max_tokens=5)
    whole = await stub.CreateCompletion(asked)
    assert [(choice.index, choice.text) for choice in whole.choices] == [(0, "ab"), (1, "ab")]
    said = ["", ""]
    async for chunk in stub.CreateCompletionStream(asked):
        for choice in chunk.choices:
            said[choice.index] += choice.text
    assert said == ["ab", "ab"]


async def test_the_place_in_the_line_is_told_before_the_answer(
    bench: Bench, stub: ModelServiceStub
) -> None:
    await stub.CreateChatCompletion(ASKED)
    worker = bench.starts.workers[0]
    worker.news = [Queued(3, 1.5)]
    worker.hold()
    call = stub.CreateChatCompletionStream(ASKED)
    told = dict(await call.initial_metadata())
    assert (told["x-llmd-queue-position"], told["x-llmd-estimated-wait"]) == ("3", "1.5")
    worker.go.set()
    assert [chunk.choices[0].delta.content async for chunk in call] == ["", "a", "b", ""]


async def test_a_caller_that_leaves_frees_its_sequence(
    bench: Bench, stub: ModelServiceStub
) -> None:
    await stub.CreateChatCompletion(ASKED)
    worker = bench.starts.workers[0]
    worker.hold()
    call = stub.CreateChatCompletionStream(ASKED)
    await call.read()
    assert worker.running == 1
    call.cancel()
    await until_idle(worker)


async def test_a_deadline_frees_the_sequence(bench: Bench, stub: ModelServiceStub) -> None:
    await stub.CreateChatCompletion(ASKED)
    worker = bench.starts.workers[0]
    worker.hold()
    with pytest.raises(grpc.RpcError) as raised:
        await stub.CreateChatCompletion(ASKED, timeout=0.2)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await until_idle(worker)


async def until_idle(worker: Any) -> None:
    async with asyncio.timeout(10):
        while worker.running:
            await asyncio.sleep(0.005)


async def test_texts_become_vectors(stub: ModelServiceStub) -> None:
    found = await stub.CreateEmbeddings(
        pb.EmbeddingsRequest(model_id="llmd-tiny", input=["a", "b"], encoding_format="float")
    )
    assert [(item.index, list(item.embedding)) for item in found.data] == [
        (0, [0, 0]),
        (1, [0, 0]),
    ]
    assert found.usage.total_tokens == 2


async def test_models_are_listed_and_described(stub: ModelServiceStub) -> None:
    listed = (await stub.ListModels(pb.ListModelsRequest())).models
    assert [model.id for model in listed] == ["llmd-tiny"]
    assert "chat" in listed[0].capabilities
    offered = (await stub.ListModels(pb.ListModelsRequest(available=True))).models
    assert {model.status for model in offered} == {"active", "available"}
    details = await stub.GetModel(pb.GetModelRequest(model_id="llmd-tiny"))
    assert details.parameters.max_tokens > 0
    assert not details.stats.HasField("average_latency_ms")
    assert not (await stub.ListLocalModels(pb.ListLocalModelsRequest())).models
    await stub.CreateChatCompletion(ASKED)
    loaded = (await stub.ListLocalModels(pb.ListLocalModelsRequest())).models
    assert [model.deployment.health for model in loaded] == ["healthy"]


class FakeDeployments:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.orders: list[DeploymentOrder] = []
        self.going = Deployment(
            id="deploy-1",
            model_id="m",
            status=DeploymentStatus.IN_PROGRESS,
            progress=65,
            current_stage=StageName.DOWNLOADING,
            stages=[],
            logs=[],
            nodes=["here"],
            created_at=0,
            updated_at=0,
            order=DeploymentOrder(model_type="m"),
        )

    async def deploy(self, _caller: object, order: DeploymentOrder) -> Deployment:
        self.orders.append(order)
        return self.going

    async def get(self, identity: str) -> Deployment:
        assert identity == "deploy-1"
        return self.going

    async def unload(self, name: str, *, force: bool) -> Removal:
        assert force
        return Removal(model_id=name, status="unloading", nodes=["here"])


async def test_models_are_deployed_watched_and_unloaded(bench: Bench, serve: Connect) -> None:
    import msgspec

    fake = FakeDeployments()
    services: Any = msgspec.structs.replace(bench.services, deployments=fake)
    stub = ModelServiceStub(await serve(services))
    begun = await stub.DeployLocalModel(
        pb.DeployLocalModelRequest(model_type="deepseek-v3", model_size="7b", quantization="int8")
    )
    assert (begun.deployment_id, begun.status) == ("deploy-1", "in_progress")
    assert fake.orders[0].model_size == "7b"
    status = await stub.GetDeploymentStatus(
        pb.GetDeploymentStatusRequest(deployment_id=begun.deployment_id)
    )
    assert (status.progress, status.current_stage) == (65, "downloading_weights")
    gone = await stub.UnloadLocalModel(pb.UnloadLocalModelRequest(model_id="m", force=True))
    assert (gone.model_id, gone.status, list(gone.nodes)) == ("m", "unloading", ["here"])
