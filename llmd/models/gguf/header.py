"""Reads the header of a GGUF file: key-values and tensor descriptions, in milliseconds, whatever
the bytes are.

Own code, since the `gguf` package takes seconds on a vocabulary of 152,000 entries. The bytes are
read, not mapped: a file that shrinks under a mapping would kill the daemon. What llama.cpp's own
reader (ggml/src/gguf.cpp) refuses is refused here, as CorruptFile and nothing else.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from llmd.errors import CorruptFile
from llmd.models.gguf.cursor import MOST_BYTES, U32, U64, Cursor, ShortRead
from llmd.models.gguf.file_types import TENSOR_TYPES, TensorType

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING = 8
_ARRAY = 9
_SCALARS = {
    kind: (name, struct.Struct(f"<{code}"))
    for kind, name, code in (
        (0, "uint8", "B"),
        (1, "int8", "b"),
        (2, "uint16", "H"),
        (3, "int16", "h"),
        (4, "uint32", "I"),
        (5, "int32", "i"),
        (6, "float32", "f"),
        (7, "bool", "?"),
        (10, "uint64", "Q"),
        (11, "int64", "q"),
        (12, "float64", "d"),
    )
}

_FIRST_READ = 8 * 2**20
_READ_GROWTH = 4
# beyond these a header is no model's, and stepping through it would take seconds
_MAX_KEYS = 2**14
_MAX_TENSORS = 2**16
_MAX_KEY_LENGTH = 2**16
_MAX_NAME_LENGTH = 63
_MAX_DIMENSIONS = 4
_MAX_WEIGHTS = 2**63 - 1
_KEPT_TEXTS = 64
# one number for each of llama.cpp's most layers, and some
_KEPT_NUMBERS = 1024
_MAX_ALIGNMENT = 2**20


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """A long array that was stepped over."""

    type: str
    count: int
    marks: tuple[int, ...] = field(default=(), compare=False)
    """Of an array of texts: the bytes of the file where every STRIDE-th of them stands."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `offset` counts from the start of the data section."""

    name: str
    shape: tuple[int, ...]
    type: TensorType
    offset: int

    @property
    def weights(self) -> int:
        """Number of elements."""
        return _product(self.shape)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.weights // self.type.block * self.type.size


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the weights."""

    version: int
    values: dict[str, Any]
    """Scalars, strings, short lists, and an ArraySummary for each long array."""
    tensors: tuple[Tensor, ...]
    data_offset: int
    """Where the data section starts."""
    file_size: int

    @property
    def needed_size(self) -> int:
        """Bytes the file must have for its last tensor to be complete."""
        return max(
            (self.data_offset + tensor.offset + tensor.size for tensor in self.tensors), default=0
        )

    def metadata(self) -> dict[str, Any]:
        """Return the key-values JSON-ready; a long array is `{"type", "count"}`."""
        return {key: _plain(value) for key, value in self.values.items()}


def _plain(value: Any) -> Any:
    return {"type": value.type, "count": value.count} if isinstance(value, ArraySummary) else value


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def read_header(path: Path) -> Header:
    """Read the header of `path`; raise CorruptFile, or OSError when nothing can be read."""
    try:
        with open_model(path) as file:
            return _parse(file, os.fstat(file.fileno()).st_size)
    except CorruptFile as error:
        raise CorruptFile(
            f"{path} is not a usable GGUF file: {error.message}.",
            hint="Fetch the file again.",
            path=str(path),
        ) from None


def open_model(path: Path) -> BinaryIO:
    """Open a file for reading without waiting for what is none; raise CorruptFile or OSError."""
    # a pipe would block until somebody writes
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise CorruptFile("it is a pipe, a device or a directory")
    return os.fdopen(number, "rb")


def _parse(file: BinaryIO, size: int) -> Header:
    wanted = _FIRST_READ
    data = b""
    while True:
        # the file may shrink meanwhile: then the rest is missing, and the header does not end
        data += file.read(min(wanted, size) - len(data))
        try:
            return _header(Cursor(data, size), size)
        except ShortRead:
            if wanted >= min(size, MOST_BYTES):
                raise CorruptFile("the header does not end") from None
            wanted = min(wanted * _READ_GROWTH, MOST_BYTES)


def _header(cursor: Cursor, size: int) -> Header:
    version, tensor_count, key_count = _preamble(cursor)
    values: dict[str, Any] = {}
    for _ in range(key_count):
        key = cursor.text(_MAX_KEY_LENGTH)
        if not key or key in values:
            raise CorruptFile(f"the key {key!r} is empty or stands there twice")
        values[key] = _value(cursor)
    alignment = _alignment(values)
    tensors = _tensors(cursor, tensor_count, alignment)
    return Header(version, values, tensors, _aligned(cursor.position, alignment), size)


def _preamble(cursor: Cursor) -> tuple[int, int, int]:
    magic, version, tensors, keys = cursor.preamble()
    if magic != _MAGIC:
        raise CorruptFile("it does not begin with the letters GGUF")
    if version and not version & 0xFFFF:
        raise CorruptFile("it is big-endian, which this machine cannot load")
    if version not in _VERSIONS:
        raise CorruptFile(f"its GGUF version is {version}, not 2 or 3")
    if tensors > _MAX_TENSORS or keys > _MAX_KEYS:
        raise CorruptFile(f"it claims {tensors} tensors and {keys} keys")
    return version, tensors, keys


def _value(cursor: Cursor) -> Any:
    kind = cursor.scalar(U32)
    if kind == _STRING:
        return cursor.text()
    if kind == _ARRAY:
        return _array(cursor)
    return cursor.scalar(_scalar(kind)[1])


def _scalar(kind: int) -> tuple[str, struct.Struct]:
    try:
        return _SCALARS[kind]
    except KeyError:
        raise CorruptFile(f"a value has the unknown type {kind}") from None


def _array(cursor: Cursor) -> Any:
    kind = cursor.scalar(U32)
    count = cursor.scalar(U64)
    if kind == _STRING:
        return _strings(cursor, count)
    name, layout = _scalar(kind)
    if count > _KEPT_NUMBERS:
        cursor.take(count * layout.size)
        return ArraySummary(name, count)
    return cursor.numbers(layout, count)


def _strings(cursor: Cursor, count: int) -> Any:
    if count > _KEPT_TEXTS:
        return ArraySummary("string", count, cursor.skip_texts(count))
    return [cursor.text() for _ in range(count)]


def _alignment(values: dict[str, Any]) -> int:
    alignment = values.get("general.alignment", 32)
    if (
        type(alignment) is not int
        or not 0 < alignment <= _MAX_ALIGNMENT
        or alignment & (alignment - 1)
    ):
        raise CorruptFile(f"its alignment is {alignment!r}, not a power of two")
    return alignment


def _aligned(position: int, alignment: int) -> int:
    return (position + alignment - 1) // alignment * alignment


def _tensors(cursor: Cursor, count: int, alignment: int) -> tuple[Tensor, ...]:
    found: dict[str, Tensor] = {}
    expected = 0
    for _ in range(count):
        tensor = _tensor(cursor)
        if tensor.name in found:
            raise CorruptFile(f"the tensor {tensor.name!r} stands there twice")
        # llama.cpp refuses gaps as well, so a moved tensor is damage
        if tensor.offset != expected:
            raise CorruptFile(
                f"the tensor {tensor.name!r} lies at {tensor.offset}, not at {expected}"
            )
        expected = _aligned(expected + tensor.size, alignment)
        found[tensor.name] = tensor
    return tuple(found.values())


def _tensor(cursor: Cursor) -> Tensor:
    name = cursor.text(_MAX_NAME_LENGTH)
    dimensions = cursor.scalar(U32)
    if dimensions > _MAX_DIMENSIONS:
        raise CorruptFile(f"the tensor {name!r} has {dimensions} dimensions")
    shape = tuple(cursor.numbers(U64, dimensions))
    kind = TENSOR_TYPES.get(cursor.scalar(U32))
    if kind is None:
        raise CorruptFile(f"the tensor {name!r} has a type that llama.cpp does not know")
    if _product(shape) > _MAX_WEIGHTS or (shape[0] if shape else 1) % kind.block:
        raise CorruptFile(f"the tensor {name!r} cannot have the shape {shape}")
    return Tensor(name, shape, kind, cursor.scalar(U64))
