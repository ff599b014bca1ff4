"""Frames to bytes and back: a 4-byte little-endian length, then msgpack."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from llmd.errors import InvalidRequest
from llmd.protocol.frames import FromWorker, ToWorker

MAX_FRAME = 256 * 2**20
"""Bytes; a longer frame means that the stream is out of step."""

T = TypeVar("T")

_LENGTH = struct.Struct("<I")
_encoder = msgspec.msgpack.Encoder()


class FrameTooLong(Exception):
    """A frame announces more than MAX_FRAME bytes."""


def pack(frame: ToWorker | FromWorker) -> bytes:
    """Encode one frame, length included; raise InvalidRequest for numbers of over 64 bits, which
    only JSON that a client sent can hold.
    """
    try:
        body = _encoder.encode(frame)
    except OverflowError as error:
        raise InvalidRequest(
            "A whole number in the request has more than 64 bits.", hint="Send it as a string."
        ) from error
    return _LENGTH.pack(len(body)) + body


class Unpacker(Generic[T]):
    """Cuts a byte stream into frames; keeps an incomplete one until the rest arrives."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[T]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[T]:
        """Yield every frame that `data` completes; raise FrameTooLong when out of step."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > MAX_FRAME:
                raise FrameTooLong(f"frame of {length} bytes")
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            frame = self._decoder.decode(
                bytes(memoryview(self._buffer)[start + _LENGTH.size : end])
            )
            start = end
            yield frame
        if start:
            del self._buffer[:start]


def from_worker() -> Unpacker[FromWorker]:
    """Return the daemon's end."""
    return Unpacker(msgspec.msgpack.Decoder(FromWorker))


def to_worker() -> Unpacker[ToWorker]:
    """Return the worker's end."""
    return Unpacker(msgspec.msgpack.Decoder(ToWorker))
