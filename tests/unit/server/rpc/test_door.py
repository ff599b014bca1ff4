from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import msgspec
import pytest
from grpc import aio

from llmd.config.settings import ServerSettings
from llmd.config.sharing import LimitSettings
from llmd.config.values import Duration
from llmd.errors import Forbidden, InvalidRequest, Unauthorized
from llmd.protocol.callers import Caller, Credentials, Scope
from llmd.server.rpc.door import SERVICE, parsed
from llmd.server.rpc.generated import model_pb2 as pb
from llmd.server.rpc.generated.model_pb2_grpc import ModelServiceStub
from llmd.services.limits import Limits
from llmd.telemetry.metrics import Metrics
from tests.unit.server.rpc.conftest import Connect
from tests.unit.services.conftest import Bench

ASKED = pb.CompletionRequest(prompt="a b")


async def refused(call: Any) -> aio.AioRpcError:
    with pytest.raises(aio.AioRpcError) as raised:
        await call
    return raised.value


def told(error: aio.AioRpcError) -> dict[str, Any]:
    return dict(error.trailing_metadata() or ())


class FakeAccess:
    """One key, which may generate and nothing else."""

    def __init__(self) -> None:
        self.shown: list[Credentials] = []

    async def admit(self, credentials: Credentials, scope: Scope | None) -> Caller:
        self.shown.append(credentials)
        if credentials.token != "good":
            raise Unauthorized("This key does not count.", hint="Ask for another.")
        if scope is not Scope.GENERATE:
            raise Forbidden(f"This needs the scope {scope}.")
        return Caller(client="key:good", key="1", address=credentials.address)


async def test_keys_and_scopes_count_as_over_http(bench: Bench, serve: Connect) -> None:
    access = FakeAccess()
    services: Any = msgspec.structs.replace(bench.services, access=access)
    stub = ModelServiceStub(await serve(services))
    error = await refused(stub.CreateCompletion(ASKED))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "This key does not count." in (error.details() or "")
    assert told(error)["llmd-error-code"] == "unauthorized"
    key = (("authorization", "Bearer good"), ("x-request-id", "mine"))
    assert (await stub.CreateCompletion(ASKED, metadata=key)).choices[0].text == "ab"
    assert access.shown[-1] == Credentials(token="good", address="127.0.0.1", trace="mine")
    error = await refused(stub.ListModels(pb.ListModelsRequest(), metadata=key))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert told(error)["x-request-id"] == "mine"


async def test_limits_count_as_over_http(bench: Bench, serve: Connect) -> None:
    limits = Limits(LimitSettings(address_requests_per_minute=1), Metrics())
    services = msgspec.structs.replace(bench.services, limits=limits)
    stub = ModelServiceStub(await serve(services))
    call = stub.CreateCompletion(ASKED)
    await call
    assert dict(await call.initial_metadata())["x-ratelimit-remaining"] == "0"
    error = await refused(stub.CreateCompletion(ASKED))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing = told(error)
    assert int(trailing["retry-after"]) >= 1
    assert trailing["x-ratelimit-limit"] == "1"


async def test_who_guesses_keys_uses_up_the_limit_of_the_address(
    bench: Bench, serve: Connect
) -> None:
    limits = Limits(LimitSettings(address_requests_per_minute=2), Metrics())
    services: Any = msgspec.structs.replace(bench.services, limits=limits, access=FakeAccess())
    stub = ModelServiceStub(await serve(services))
    codes = [(await refused(stub.CreateCompletion(ASKED))).code() for _ in range(3)]
    assert codes == [*[grpc.StatusCode.UNAUTHENTICATED] * 2, grpc.StatusCode.RESOURCE_EXHAUSTED]


async def test_a_caller_has_no_more_calls_at_once_than_allowed(
    bench: Bench, serve: Connect
) -> None:
    limits = Limits(LimitSettings(address_concurrent=1), Metrics())
    services = msgspec.structs.replace(bench.services, limits=limits)
    stub = ModelServiceStub(await serve(services))
    await stub.CreateCompletion(ASKED)
    bench.starts.workers[0].hold()
    first = stub.CreateCompletionStream(ASKED)
    await first.initial_metadata()
    error = await refused(stub.CreateCompletion(ASKED))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    bench.starts.workers[0].go.set()
    assert [chunk.choices[0].text async for chunk in first] == ["a", "b", ""]


async def test_errors_have_their_status_and_say_what_to_do(stub: ModelServiceStub) -> None:
    error = await refused(stub.CreateCompletion(pb.CompletionRequest(model_id="nobody")))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert json.loads(told(error)["llmd-error-bin"])["code"] == "model_not_found"
    error = await refused(stub.CreateCompletion(pb.CompletionRequest(prompt="a", temperature=9)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert json.loads(told(error)["llmd-error-bin"])["param"] == "temperature"


async def test_long_names_in_chinese_are_refused_like_any(stub: ModelServiceStub) -> None:
    asked = pb.CompletionRequest(model_id="模型" * 10_000, prompt="a")
    error = await refused(stub.CreateCompletion(asked))
    assert error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}


async def test_bytes_that_are_no_message_are_refused(serve: Connect) -> None:
    channel = await serve()
    for method in ("CreateChatCompletion", "GetModel"):
        call: Callable[[bytes], Coroutine[Any, Any, bytes]] = channel.unary_unary(
            f"/model.ModelService/{method}"
        )
        error = await refused(call(b"\xff\xff\xff"))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "model.proto" in (error.details() or "")


async def test_methods_that_do_not_exist_are_unimplemented(serve: Connect) -> None:
    channel = await serve()
    error = await refused(channel.unary_unary("/model.ModelService/Nothing")(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_bug_tells_nothing_of_itself(bench: Bench, serve: Connect) -> None:
    class Broken:
        async def list(self, *, available: bool) -> None:
            raise RuntimeError("a secret")

    services: Any = msgspec.structs.replace(bench.services, directory=Broken())
    stub = ModelServiceStub(await serve(services))
    error = await refused(stub.ListModels(pb.ListModelsRequest()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error)


async def test_nobody_is_let_in_while_the_daemon_drains(
    bench: Bench, stub: ModelServiceStub
) -> None:
    bench.gate.close()
    error = await refused(stub.CreateCompletion(ASKED))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert told(error)["retry-after"] == "5"


async def test_a_stream_that_fails_half_way_ends_with_its_status(
    bench: Bench, stub: ModelServiceStub
) -> None:
    await stub.CreateCompletion(ASKED)
    worker = bench.starts.workers[0]
    worker.hold()
    call = stub.CreateCompletionStream(pb.CompletionRequest(prompt="c d"))
    await call.initial_metadata()
    bench.starts.poison = "c d"
    from llmd.runtime.supervisor import Cause

    worker.die(Cause.NATIVE_ABORT, lived=100)
    with pytest.raises(aio.AioRpcError) as raised:
        async for _ in call:
            pass
    # tried again on a new worker, which the same request kills
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert told(raised.value)["llmd-error-code"] == "poison_request"


async def test_a_reader_that_stops_reading_frees_its_sequence(bench: Bench, serve: Connect) -> None:
    narrow = (("grpc.http2.lookahead_bytes", 65_536), ("grpc.http2.bdp_probe", 0))
    http = ServerSettings(write_timeout=Duration(0.1))
    stub = ModelServiceStub(await serve(http=http, options=narrow))
    long = pb.CompletionRequest(prompt=" ".join(["w" * 8192] * 1000))
    call = stub.CreateCompletionStream(long)
    await call.read()
    async with asyncio.timeout(20):
        while not bench.starts.workers or bench.starts.workers[0].running:
            await asyncio.sleep(0.01)
    [ended] = bench.services.requests.list().ended
    assert ended.state == "cancelled"
    # and who reads on after all is told
    with pytest.raises(aio.AioRpcError):
        while await call.read() is not aio.EOF:
            pass
    assert await call.code() is grpc.StatusCode.ABORTED
    assert "server.write_timeout" in await call.details()


def test_messages_nested_without_end_are_refused() -> None:
    method = SERVICE.methods_by_name["CreateCompletion"]
    inner = b""
    for _ in range(300):  # Struct in a Value in a Struct ...
        value = b"\x2a" + _length(inner) + inner
        entry = b"\x0a\x01a\x12" + _length(value) + value
        inner = b"\x0a" + _length(entry) + entry
    with pytest.raises(InvalidRequest, match=r"no model\.CompletionRequest"):
        parsed(b"\x7a" + _length(inner) + inner, method)


def _length(data: bytes) -> bytes:
    size, out = len(data), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size])
