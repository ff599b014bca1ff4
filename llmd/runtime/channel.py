"""Blocking frames on the child's end of the socketpair: a generator to read, a thread for what the
daemon is not quick enough to take.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

from llmd.protocol import codec
from llmd.protocol.frames import FromWorker, ToWorker

_READ_SIZE = 1 << 18


class Channel:
    """Frames to and from the daemon. Sending never blocks: what the socket does not take at once,
    and all that comes behind it, a thread writes. Waking one for each frame would take the
    processor from a decode call.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._late: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._behind = 0
        """Pieces in `_late` that are not written yet."""
        self._writer = threading.Thread(target=self._write, name="channel-writer", daemon=True)
        self._writer.start()

    def send(self, frame: FromWorker) -> None:
        """Send one frame, after those before it; silently nothing when the daemon is gone: the
        reader notices, and ends the process. Raise InvalidRequest as `codec.pack` does.
        """
        data = codec.pack(frame)
        with self._sending:
            if not self._behind:
                data = data[self._send_now(data) :]
            if data:
                self._behind += 1
                self._late.put(data)

    def flush(self) -> None:
        """Write everything that was sent and stop writing."""
        self._late.put(None)
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

    def _send_now(self, data: bytes) -> int:
        """Return how many bytes the socket took, all of them when nobody is there to take any."""
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def _write(self) -> None:
        while (data := self._late.get()) is not None:
            try:
                self._socket.sendall(data)
            except OSError:
                return  # the daemon is gone; the reader notices and ends the process
            with self._sending:
                self._behind -= 1
