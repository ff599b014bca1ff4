"""Reads the header of a GGUF file: key-values and tensor descriptions, in milliseconds, whatever
the bytes are.

Own code, since the `gguf` package takes seconds on a vocabulary of 152,000 entries. The bytes are
read, not mapped: a file that shrinks under a mapping would kill the daemon. Every length is checked
against what the file holds before it is used, so that a hostile header ends as CorruptFile and in
nothing else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from llmd.errors import CorruptFile
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
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_PREAMBLE = struct.Struct("<4sIQQ")

_FIRST_READ = 8 * 2**20
_READ_GROWTH = 4
# beyond these a header is no model's, and stepping through it would take seconds
_MAX_HEADER = 512 * 2**20
_MAX_STRINGS = 2**24
_MAX_KEYS = 2**16
_MAX_TENSORS = 2**18
_MAX_KEY_LENGTH = 2**16
_MAX_NAME_LENGTH = 63
_MAX_DIMENSIONS = 4
_MAX_WEIGHTS = 2**63 - 1
_KEPT_ELEMENTS = 64
_MAX_ALIGNMENT = 2**20


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """A long array that was stepped over."""

    type: str
    count: int


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


class _Short(Exception):
    """The bytes read so far end before the header does."""


class _Cursor:
    """Steps through the first bytes of a file of `size` bytes; raises _Short or CorruptFile."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size
        self._strings = 0
        self.position = 0

    def take(self, length: int) -> int:
        """Step over `length` bytes and return where they start."""
        start = self.position
        end = start + length
        if end > len(self._data):
            if end > self._size:
                raise CorruptFile(f"the header ends in the middle, at byte {start}")
            raise _Short
        self.position = end
        return start

    def scalar(self, layout: struct.Struct) -> Any:
        """Read one number."""
        return layout.unpack_from(self._data, self.take(layout.size))[0]

    def string(self, limit: int = _MAX_HEADER) -> str:
        """Read a length and that many bytes of text; bytes that are no UTF-8 are replaced."""
        length = self.scalar(_U64)
        if length > limit:
            raise CorruptFile(f"a text at byte {self.position} claims {length} bytes")
        start = self.take(length)
        return self._data[start : self.position].decode("utf-8", "replace")

    def preamble(self) -> tuple[Any, ...]:
        """Read magic, version, number of tensors, number of keys."""
        return _PREAMBLE.unpack_from(self._data, self.take(_PREAMBLE.size))

    def skip_strings(self, count: int) -> None:
        """Step over `count` texts; this is where nearly all time goes, hence no call per text."""
        self._strings += count
        if self._strings > _MAX_STRINGS:
            raise CorruptFile(f"arrays of {self._strings} texts")
        position, data, unpack = self.position, self._data, _U64.unpack_from
        try:
            for _ in range(count):
                position += 8 + unpack(data, position)[0]
        except (struct.error, OverflowError):
            self.take(position + 8 - self.position)
            raise  # not reached: take() raises, for the step that failed leads beyond the data
        self.take(position - self.position)


def read_header(path: Path) -> Header:
    """Read the header of `path`; raise CorruptFile, or OSError when nothing can be read."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        try:
            return _parse(file, size)
        except CorruptFile as error:
            raise CorruptFile(
                f"{path} is not a usable GGUF file: {error.message}.",
                hint="Fetch the file again.",
                path=str(path),
            ) from None


def _parse(file: BinaryIO, size: int) -> Header:
    wanted = _FIRST_READ
    while True:
        file.seek(0)
        cursor = _Cursor(file.read(min(wanted, size)), size)
        try:
            return _header(cursor, size)
        except _Short:
            if wanted >= min(size, _MAX_HEADER):
                raise CorruptFile("the header does not end") from None
            wanted = min(wanted * _READ_GROWTH, _MAX_HEADER)


def _header(cursor: _Cursor, size: int) -> Header:
    version, tensor_count, key_count = _preamble(cursor)
    values: dict[str, Any] = {}
    for _ in range(key_count):
        key = cursor.string(_MAX_KEY_LENGTH)
        if not key or key in values:
            raise CorruptFile(f"the key {key!r} is empty or stands there twice")
        values[key] = _value(cursor)
    alignment = _alignment(values)
    tensors = _tensors(cursor, tensor_count, alignment)
    return Header(version, values, tensors, _aligned(cursor.position, alignment), size)


def _preamble(cursor: _Cursor) -> tuple[int, int, int]:
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


def _value(cursor: _Cursor) -> Any:
    kind = cursor.scalar(_U32)
    if kind == _STRING:
        return cursor.string()
    if kind == _ARRAY:
        return _array(cursor)
    return cursor.scalar(_scalar(kind)[1])


def _scalar(kind: int) -> tuple[str, struct.Struct]:
    try:
        return _SCALARS[kind]
    except KeyError:
        raise CorruptFile(f"a value has the unknown type {kind}") from None


def _array(cursor: _Cursor) -> Any:
    kind = cursor.scalar(_U32)
    count = cursor.scalar(_U64)
    if kind == _STRING:
        return _strings(cursor, count)
    name, layout = _scalar(kind)
    if count > _KEPT_ELEMENTS:
        cursor.take(count * layout.size)
        return ArraySummary(name, count)
    return [cursor.scalar(layout) for _ in range(count)]


def _strings(cursor: _Cursor, count: int) -> Any:
    if count > _KEPT_ELEMENTS:
        cursor.skip_strings(count)
        return ArraySummary("string", count)
    return [cursor.string() for _ in range(count)]


def _alignment(values: dict[str, Any]) -> int:
    alignment = values.get("general.alignment", 32)
    if (
        not isinstance(alignment, int)
        or not 0 < alignment <= _MAX_ALIGNMENT
        or alignment & (alignment - 1)
    ):
        raise CorruptFile(f"its alignment is {alignment!r}, not a power of two")
    return alignment


def _aligned(position: int, alignment: int) -> int:
    return (position + alignment - 1) // alignment * alignment


def _tensors(cursor: _Cursor, count: int, alignment: int) -> tuple[Tensor, ...]:
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


def _tensor(cursor: _Cursor) -> Tensor:
    name = cursor.string(_MAX_NAME_LENGTH)
    dimensions = cursor.scalar(_U32)
    if dimensions > _MAX_DIMENSIONS:
        raise CorruptFile(f"the tensor {name!r} has {dimensions} dimensions")
    shape = tuple(cursor.scalar(_U64) for _ in range(dimensions))
    kind = TENSOR_TYPES.get(cursor.scalar(_U32))
    if kind is None:
        raise CorruptFile(f"the tensor {name!r} has a type that llama.cpp does not know")
    if _product(shape) > _MAX_WEIGHTS or (shape[0] if shape else 1) % kind.block:
        raise CorruptFile(f"the tensor {name!r} cannot have the shape {shape}")
    return Tensor(name, shape, kind, cursor.scalar(_U64))
