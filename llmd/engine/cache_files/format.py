"""One snapshot as a file.

    8 bytes   magic, with the version of this format
    8 bytes   size of the header, little-endian
    32 bytes  BLAKE2b of the header
    header    msgpack: what the file is for, its tokens, the sizes of its states, a BLAKE2b of every
              4 MiB of the body
    body      the states, one after the other

Nothing of it is trusted before its hash is right, and the file's size has to be exact: llama.cpp
would follow damaged states into memory that is not its own. The body is hashed in pieces so that
several threads can do it; BLAKE2b manages a gigabyte a second in each. Not compressed: zlib takes 6
to 23 percent off keys and values, at 50 MB a second.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np

from llmd.engine.cache_files.snapshot import (
    TOKEN_BYTES,
    Bytes,
    Checkpoint,
    Reach,
    Snapshot,
    packed,
    unpacked,
)
from llmd.errors import CorruptFile

MAGIC = b"llmdkv\x00\x01"
_START = struct.Struct("<8sQ32s")
_PIECE = 4 << 20
_MOST_HEADER = 256 << 20
_THREADS = min(4, os.cpu_count() or 1)

_In = TypeVar("_In")


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    fingerprint: str
    adapters: str
    tokens: bytes
    """Packed."""
    positions: int
    floor: int
    sizes: list[tuple[int, int]]
    """Length in tokens and bytes of every state: the whole one, then the checkpoints."""
    pieces: list[bytes]

    @property
    def reach(self) -> Reach:
        """Where the snapshot can be taken up."""
        points = tuple(length for length, _ in self.sizes[1:])
        return Reach(len(self.tokens) // TOKEN_BYTES, self.floor, points)

    @property
    def body(self) -> int:
        """Return the bytes of all states."""
        return sum(size for _, size in self.sizes)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file that is ready to be written."""

    start: bytes
    states: tuple[memoryview, ...]

    @property
    def nbytes(self) -> int:
        """The file's size."""
        return len(self.start) + sum(state.nbytes for state in self.states)


def encode(snapshot: Snapshot, fingerprint: str, adapters: str) -> Encoded:
    """Return the file of a snapshot."""
    parts = ((len(snapshot.tokens), snapshot.state), *_points(snapshot))
    states = tuple(state for _, state in parts)
    header = msgspec.msgpack.encode(
        Header(
            fingerprint=fingerprint,
            adapters=adapters,
            tokens=packed(snapshot.tokens),
            positions=snapshot.positions,
            floor=snapshot.floor,
            sizes=[(length, state.nbytes) for length, state in parts],
            pieces=_each(_hash, _views(states)),
        )
    )
    start = _START.pack(MAGIC, len(header), _hash(header)) + header
    return Encoded(start, tuple(state.data for state in states))


def read_header(descriptor: int) -> Header:
    """Return the header of an open file; raise CorruptFile when it cannot be trusted."""
    magic, size, digest = _START.unpack(_exactly(descriptor, _START.size, 0))
    if magic != MAGIC or size > min(_MOST_HEADER, os.fstat(descriptor).st_size):
        raise _damaged("it is of another version, or no cache file")
    data = _exactly(descriptor, size, _START.size)
    if _hash(data) != digest:
        raise _damaged("its header does not match its hash")
    try:
        header = msgspec.msgpack.decode(data, type=Header)
    except msgspec.MsgspecError as error:
        raise _damaged(str(error)) from error
    if not header.sizes or os.fstat(descriptor).st_size != _START.size + size + header.body:
        raise _damaged("it is too short or too long")
    return header


def read_snapshot(descriptor: int, header: Header) -> Snapshot:
    """Return what an open file holds, every byte of it verified; raise CorruptFile."""
    sizes = [size for _, size in header.sizes]
    body = np.empty(header.body, np.uint8)
    start = os.fstat(descriptor).st_size - header.body

    def fill(piece: tuple[int, int]) -> bytes:
        at, end = piece
        data = os.pread(descriptor, end - at, start + at)
        if len(data) == end - at:
            body[at:end] = np.frombuffer(data, np.uint8)
        return _hash(data)

    if _each(fill, _cut(sizes)) != header.pieces:
        raise _damaged("its body does not match its hashes")
    ends = np.cumsum(sizes)[:-1]
    states = np.split(body, ends)
    points = zip(header.sizes[1:], states[1:], strict=True)
    return Snapshot(
        tokens=unpacked(header.tokens),
        positions=header.positions,
        state=states[0],
        floor=header.floor,
        checkpoints=tuple(Checkpoint(length, state) for (length, _), state in points),
    )


def _points(snapshot: Snapshot) -> list[tuple[int, Bytes]]:
    return [(point.length, point.state) for point in snapshot.checkpoints]


def _cut(sizes: list[int]) -> list[tuple[int, int]]:
    """Return the pieces of a body, none of them across two states, as starts and ends."""
    pieces = []
    base = 0
    for size in sizes:
        steps = range(0, size, _PIECE)
        pieces += [(base + at, base + min(at + _PIECE, size)) for at in steps]
        base += size
    return pieces


def _views(states: tuple[Bytes, ...]) -> list[memoryview]:
    return [
        state.data[at : at + _PIECE] for state in states for at in range(0, state.nbytes, _PIECE)
    ]


def _each(function: Callable[[_In], bytes], items: list[_In]) -> list[bytes]:
    if len(items) <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(function, items))


def _hash(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


def _exactly(descriptor: int, size: int, at: int) -> bytes:
    data = os.pread(descriptor, size, at)
    if len(data) != size:
        raise _damaged("it is cut short")
    return data


def _damaged(why: str) -> CorruptFile:
    return CorruptFile(
        f"A cache file cannot be used: {why}.", hint="It is removed, and its text is read again."
    )
