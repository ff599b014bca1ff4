"""The daemon's end of the socketpair: frames in and out without ever blocking the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Self

from llmd.protocol import codec
from llmd.protocol.frames import FromWorker, ToWorker

_READ_SIZE = 1 << 18


class Link:
    """Frames to and from one worker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, connection: socket.socket) -> Self:
        """Take over a connected socket."""
        return cls(*await asyncio.open_unix_connection(sock=connection, limit=_READ_SIZE))

    def send(self, frame: ToWorker) -> None:
        """Queue one frame; silently nothing when the worker is gone, its death is reported
        elsewhere.
        """
        if not self._writer.is_closing():
            self._writer.write(codec.pack(frame))

    async def frames(self) -> AsyncIterator[FromWorker]:
        """Yield frames until the worker closes its end."""
        unpacker = codec.from_worker()
        while data := await self._receive():
            for frame in unpacker.feed(data):
                yield frame

    async def _receive(self) -> bytes:
        try:
            return await self._reader.read(_READ_SIZE)
        except ConnectionError:
            return b""

    def close(self) -> None:
        """Close the socket; the worker takes that as its end."""
        self._writer.close()
