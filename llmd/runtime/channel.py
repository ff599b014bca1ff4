"""Blocking frames on the child's end of the socketpair: a generator to read, a thread to write."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

from llmd.protocol import codec
from llmd.protocol.frames import FromWorker, ToWorker

_READ_SIZE = 1 << 18


class Channel:
    """Frames to and from the daemon. Sending never blocks: a thread encodes and writes."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._outgoing: queue.SimpleQueue[FromWorker | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="channel-writer", daemon=True)
        self._writer.start()

    def send(self, frame: FromWorker) -> None:
        """Queue one frame."""
        self._outgoing.put(frame)

    def flush(self) -> None:
        """Write everything queued and stop writing."""
        self._outgoing.put(None)
        self._writer.join()

    def frames(self) -> Iterator[ToWorker]:
        """Yield frames until the daemon closes its end."""
        unpacker = codec.to_worker()
        while data := self._receive():
            yield from unpacker.feed(data)

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(_READ_SIZE)
        except ConnectionError:
            return b""

    def _write(self) -> None:
        while (frame := self._outgoing.get()) is not None:
            try:
                self._socket.sendall(codec.pack(frame))
            except OSError:
                return  # the daemon is gone; the reader notices and ends the process
