"""What every call of the service goes through: who makes it, whether they may, limits, errors as
statuses, and a record of it.

The counterpart of `application._admitted`, `boundary.bounded` and the middleware of HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from llmd.config.settings import ServerSettings
from llmd.errors import Forbidden, InvalidRequest, Unauthorized
from llmd.protocol.callers import Caller, Credentials, Scope
from llmd.server.http.boundary import ClientGone, translate
from llmd.server.rpc import errors, metadata
from llmd.server.rpc.call import Call, Context, SlowReader
from llmd.server.rpc.generated import model_pb2 as pb
from llmd.server.rpc.record import recorded
from llmd.services.bundle import Services

SERVICE = pb.DESCRIPTOR.services_by_name["ModelService"]

_OK = 200
_UNREAD = 408

Whole = Callable[[Services, Call, Any], Coroutine[Any, Any, Message]]
Pieces = Callable[[Services, Call, Any], AsyncGenerator[Message]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method that answers once: what does, and what a caller needs to be allowed."""

    name: str
    answer: Whole
    scope: Scope


@dataclass(frozen=True, slots=True)
class Streaming:
    """A method that answers piece by piece."""

    name: str
    answer: Pieces
    scope: Scope


class Door:
    """Lets calls in and what comes of them out."""

    def __init__(self, services: Services, settings: ServerSettings) -> None:
        self._services = services
        self._proxies = settings.trusted_proxies
        limit = settings.write_timeout
        self._patience = float(limit) if limit.limited else None
        """Seconds that a client may take nothing of its answer; None: any time."""

    def handlers(self, methods: tuple[Method | Streaming, ...]) -> grpc.GenericRpcHandler:
        """Return the service as a server takes it."""
        return grpc.method_handlers_generic_handler(
            SERVICE.full_name, {method.name: self._handler(method) for method in methods}
        )

    def _handler(self, method: Method | Streaming) -> grpc.RpcMethodHandler[bytes, bytes]:
        described = SERVICE.methods_by_name[method.name]
        # bytes come and go as they are: what cannot be parsed is refused at the door like the rest
        if isinstance(method, Streaming):
            return grpc.unary_stream_rpc_method_handler(self._streaming(method, described))
        return grpc.unary_unary_rpc_method_handler(self._unary(method, described))

    def _unary(
        self, method: Method, described: MethodDescriptor
    ) -> Callable[[bytes, Context], Coroutine[Any, Any, bytes]]:
        async def answer(data: bytes, context: Context) -> bytes:
            async with self._through(method, context) as call:
                reply: Message = await method.answer(self._services, call, parsed(data, described))
                await call.begin()
                return reply.SerializeToString()

        return answer

    def _streaming(
        self, method: Streaming, described: MethodDescriptor
    ) -> Callable[[bytes, Context], Coroutine[Any, Any, None]]:
        async def answer(data: bytes, context: Context) -> None:
            async with self._through(method, context) as call:
                replies = method.answer(self._services, call, parsed(data, described))
                async with aclosing(replies) as messages:
                    async for message in messages:
                        await call.send(message)

        return answer

    @asynccontextmanager
    async def _through(self, method: Method | Streaming, context: Context) -> AsyncIterator[Call]:
        """Let a call in for the length of a `with`; what it raises ends it with a status."""
        sent = metadata.first_values(context.invocation_metadata() or ())
        with recorded(self._services, method.name, metadata.trace(sent), sent) as record:
            try:
                shown = metadata.credentials(sent, context.peer(), record.identity, self._proxies)
                record.caller = caller = await self._identified(shown, method.scope)
                headers = {"X-Request-Id": record.identity}
                headers |= self._services.limits.admit(caller).headers()
                with self._services.limits.occupy(caller):
                    yield Call(context, caller, headers, self._patience)
                record.settle("ok", _OK)
            except ClientGone:
                pass
            except SlowReader as error:
                record.settle("aborted", _UNREAD)
                await _tell(context, error, errors.unread(self._patience), record.identity)
            except Exception as error:  # noqa: BLE001  the boundary
                ours = translate(error)
                refusal = errors.refusal(ours)
                record.settle(refusal.status.name.lower(), ours.status)
                await _end(context, refusal, record.identity)

    async def _identified(self, shown: Credentials, scope: Scope) -> Caller:
        try:
            return await self._services.access.admit(shown, scope)
        except (Unauthorized, Forbidden):
            # those who guess keys use up the limit of their address
            self._services.limits.admit(Caller(address=shown.address))
            raise


async def _tell(context: Context, slow: SlowReader, refusal: errors.Refusal, identity: str) -> None:
    """End a call whose client may read on some day: until then it holds nothing but itself."""
    with suppress(ClientGone):
        await slow.written
        await _end(context, refusal, identity)


async def _end(context: Context, refusal: errors.Refusal, identity: str) -> NoReturn:
    trailing = (*refusal.trailing, ("x-request-id", identity))
    await context.abort(refusal.status, refusal.message, trailing)


def parsed(data: bytes, described: MethodDescriptor) -> Message:
    """Return the message a method takes; raise InvalidRequest when the bytes are none."""
    try:
        return GetMessageClass(described.input_type).FromString(data)
    except DecodeError as error:
        raise InvalidRequest(
            f"The request is no {described.input_type.full_name}.",
            hint="Make the client from llmd's model.proto.",
        ) from error
