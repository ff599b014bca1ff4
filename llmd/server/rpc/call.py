"""One call under way: who makes it, and what is sent back besides the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message
from grpc import aio

from llmd.protocol.callers import Caller
from llmd.server.http.boundary import ClientGone
from llmd.server.rpc import metadata

Context = aio.ServicerContext[bytes, bytes]


class SlowReader(Exception):
    """The client takes nothing of its answer; `written` ends when it reads on after all."""

    def __init__(self, written: asyncio.Future[None]) -> None:
        super().__init__("the client does not read")
        self.written = written


@dataclass(slots=True)
class Call:
    """What methods know of a call."""

    context: Context
    caller: Caller
    headers: dict[str, str]
    """Initial metadata, until it is sent."""
    patience: float | None
    """Seconds that a client may take no byte; None: any time."""
    begun: bool = False

    async def begin(self, headers: Mapping[str, str] | None = None) -> None:
        """Send the initial metadata, once."""
        if self.begun:
            return
        self.begun = True
        await self.context.send_initial_metadata(
            metadata.plain({**self.headers, **(headers or {})})
        )

    async def send(self, message: Message) -> None:
        """Send a message of a stream; raise SlowReader when the client takes nothing for too long,
        ClientGone when it is gone.
        """
        await self.begin()
        # never cancelled but with the call: what is half written can only be finished
        writing = asyncio.ensure_future(self._write(message.SerializeToString()))
        try:
            await asyncio.wait({writing}, timeout=self.patience)
        except asyncio.CancelledError:
            writing.cancel()
            raise
        if not writing.done():
            raise SlowReader(writing)
        writing.result()

    async def _write(self, data: bytes) -> None:
        try:
            await self.context.write(data)
        except aio.BaseError as error:
            raise ClientGone("the client closed the call") from error
