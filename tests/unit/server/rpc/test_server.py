from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import MessageToDict, ParseDict
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from llmd.config.grpc import GrpcSettings
from llmd.config.settings import ServerSettings
from llmd.errors import ConfigInvalid
from llmd.server.rpc.generated import model_pb2 as pb
from llmd.server.rpc.generated.model_pb2_grpc import ModelServiceStub
from llmd.server.rpc.server import RpcServer
from tests.fakes.certificates import Authority
from tests.unit.server.rpc.conftest import Connect
from tests.unit.services.conftest import Bench

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
ASKED = pb.CompletionRequest(prompt="a b")


def server(bench: Bench, **settings: Any) -> RpcServer:
    return RpcServer(bench.services, GrpcSettings(**{"port": 0, **settings}), ServerSettings())


async def test_health_is_told_of_the_whole_and_of_the_service(serve: Connect) -> None:
    health = health_pb2_grpc.HealthStub(await serve())
    for name in ("", "model.ModelService"):
        assert (await health.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
    with pytest.raises(aio.AioRpcError) as raised:
        await health.Check(health_pb2.HealthCheckRequest(service="other"))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_who_watches_hears_that_the_daemon_drains(bench: Bench) -> None:
    listener = server(bench)
    await listener.start()
    async with aio.insecure_channel(listener.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service="model.ModelService")
        )
        assert (await watch.read()).status == SERVING
        await listener.drain()
        assert (await watch.read()).status == NOT_SERVING
        await listener.stop()
    await bench.pool.close()


async def reflected(channel: aio.Channel, **question: object) -> Any:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(**question))
    await call.done_writing()
    return await call.read()


async def test_a_client_without_the_proto_finds_its_way(serve: Connect) -> None:
    """As grpcurl does: list, describe, call."""
    channel = await serve()
    listed = await reflected(channel, list_services="")
    names = [service.name for service in listed.list_services_response.service]
    assert names == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "model.ModelService",
    ]
    described = await reflected(channel, file_containing_symbol="model.ModelService")
    pool = descriptor_pool.DescriptorPool()
    waiting = [
        descriptor_pb2.FileDescriptorProto.FromString(raw)
        for raw in described.file_descriptor_response.file_descriptor_proto
    ]
    for file in sorted(waiting, key=lambda file: len(file.dependency)):
        pool.Add(file)
    method = pool.FindServiceByName("model.ModelService").FindMethodByName("CreateCompletion")
    ask = message_factory.GetMessageClass(method.input_type)
    answer = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        "/model.ModelService/CreateCompletion",
        request_serializer=ask.SerializeToString,
        response_deserializer=answer.FromString,
    )
    found = MessageToDict(await call(ParseDict({"prompt": "a b", "max_tokens": 9}, ask())))
    assert found["choices"][0]["text"] == "ab"


async def test_only_who_trusts_the_authority_gets_through(bench: Bench, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    shown = authority.sign("server")
    listener = server(bench, tls_cert=str(shown.chain), tls_key=str(shown.key))
    await listener.start()
    trust = grpc.ssl_channel_credentials(authority.ca.read_bytes())
    async with aio.secure_channel(listener.address, trust) as channel:
        answer = await ModelServiceStub(channel).CreateCompletion(ASKED)
        assert answer.choices[0].text == "ab"
    async with aio.insecure_channel(listener.address) as channel:
        with pytest.raises(aio.AioRpcError) as raised:
            await ModelServiceStub(channel).CreateCompletion(ASKED)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    await listener.stop()
    await bench.pool.close()


async def test_clients_show_certificates_where_that_is_asked(bench: Bench, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    shown, client = authority.sign("server"), authority.sign("client")
    stranger = Authority(tmp_path / "other", "another authority").sign("stranger")
    listener = server(
        bench, tls_cert=str(shown.chain), tls_key=str(shown.key), tls_client_ca=str(authority.ca)
    )
    await listener.start()

    async def ask(certificate: Any) -> Any:
        pair = [file.read_bytes() for file in certificate] if certificate else [None, None]
        trust = grpc.ssl_channel_credentials(authority.ca.read_bytes(), pair[1], pair[0])
        async with aio.secure_channel(listener.address, trust) as channel:
            return await ModelServiceStub(channel).CreateCompletion(ASKED)

    assert (await ask(client)).choices[0].text == "ab"
    for wrong in (None, stranger):
        with pytest.raises(aio.AioRpcError) as raised:
            await ask(wrong)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    await listener.stop()
    await bench.pool.close()


async def test_an_address_in_use_is_named(bench: Bench) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigInvalid, match=f"127.0.0.1:{port} cannot be had"):
            await server(bench, port=port).start()


async def test_two_daemons_do_not_share_a_port(bench: Bench) -> None:
    first = server(bench)
    await first.start()
    with pytest.raises(ConfigInvalid, match="in use"):
        await server(bench, port=int(first.address.rpartition(":")[2])).start()
    await first.stop()


async def test_a_host_that_is_none_is_named(bench: Bench) -> None:
    with pytest.raises(ConfigInvalid, match=r"203\.0\.113\.7:0"):
        await server(bench, host="203.0.113.7").start()


async def test_requests_larger_than_allowed_are_refused(serve: Connect) -> None:
    stub = ModelServiceStub(await serve(max_message=10_000))
    for compression in (None, grpc.Compression.Gzip):
        with pytest.raises(aio.AioRpcError) as raised:
            await stub.CreateCompletion(
                pb.CompletionRequest(prompt="a" * 20_000), compression=compression
            )
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_more_calls_than_allowed_are_refused(bench: Bench) -> None:
    listener = server(bench, max_calls=1)
    await listener.start()
    unshared = (("grpc.use_local_subchannel_pool", 1),)
    async with (
        aio.insecure_channel(listener.address) as channel,
        aio.insecure_channel(listener.address, options=unshared) as another,
    ):
        await ModelServiceStub(channel).CreateCompletion(ASKED)
        bench.starts.workers[0].hold()
        first = ModelServiceStub(channel).CreateCompletionStream(ASKED)
        await first.initial_metadata()
        with pytest.raises(aio.AioRpcError) as raised:
            await ModelServiceStub(another).CreateCompletion(ASKED)
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        first.cancel()
    await listener.stop()
    await bench.pool.close()


async def test_open_calls_are_ended_at_the_end(bench: Bench) -> None:
    listener = server(bench)
    await listener.start()
    async with aio.insecure_channel(listener.address) as channel:
        stub = ModelServiceStub(channel)
        await stub.CreateCompletion(ASKED)
        worker = bench.starts.workers[0]
        worker.hold()
        call = stub.CreateCompletionStream(ASKED)
        await call.initial_metadata()
        await listener.stop()
        with pytest.raises((aio.AioRpcError, asyncio.CancelledError)):
            async for _ in call:
                pass
        assert worker.running == 0
    await bench.pool.close()
