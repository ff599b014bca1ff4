"""Steps through the first bytes of a GGUF file, whatever they are.

Every length is checked against what the file holds before it is used, and every count against a
bound, so that hostile bytes end as CorruptFile after at most some hundred milliseconds.
"""

from __future__ import annotations

import struct
from typing import Any

from llmd.errors import CorruptFile

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")

MOST_BYTES = 64 * 2**20
"""A longer header is no model's; the largest known have 20 MB."""

STRIDE = 1024
"""Texts of a long array between two of which it is known where they stand."""

_PREAMBLE = struct.Struct("<4sIQQ")
_MOST_TEXTS = 2**22
_LONGEST_TEXT = 16 * 2**20


class ShortRead(Exception):
    """The bytes read so far end before the header does."""


class Cursor:
    """Where reading stands in `data`, the first bytes of a file of `size` bytes; its methods raise
    ShortRead or CorruptFile.
    """

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size
        self._texts = 0
        self.position = 0

    def take(self, length: int) -> int:
        """Step over `length` bytes and return where they start."""
        start = self.position
        end = start + length
        if end > len(self._data):
            if end > self._size:
                raise CorruptFile(f"the header ends in the middle, at byte {start}")
            raise ShortRead
        self.position = end
        return start

    def scalar(self, layout: struct.Struct) -> Any:
        """Read one number."""
        return layout.unpack_from(self._data, self.take(layout.size))[0]

    def numbers(self, layout: struct.Struct, count: int) -> list[Any]:
        """Read several."""
        start = self.take(count * layout.size)
        return [item[0] for item in layout.iter_unpack(self._data[start : self.position])]

    def text(self, limit: int = _LONGEST_TEXT) -> str:
        """Read a length and that many bytes of text; bytes that are no UTF-8 are replaced."""
        length = self.scalar(U64)
        if length > limit:
            raise CorruptFile(f"a text at byte {self.position} claims {length} bytes")
        start = self.take(length)
        return self._data[start : self.position].decode("utf-8", "replace")

    def preamble(self) -> tuple[bytes, int, int, int]:
        """Read magic, version, number of tensors, number of keys."""
        magic, version, tensors, keys = _PREAMBLE.unpack_from(self._data, self.take(_PREAMBLE.size))
        return magic, version, tensors, keys

    def skip_texts(self, count: int) -> tuple[int, ...]:
        """Step over `count` texts and return where the first, and every STRIDE-th after it,
        stands.
        """
        self._texts += count
        if self._texts > _MOST_TEXTS:
            raise CorruptFile(f"arrays of {self._texts} texts")
        views = _views(self._data)
        marks = []
        for first in range(0, count, STRIDE):
            marks.append(self.position)
            self._skip(views, min(STRIDE, count - first))
        return tuple(marks)

    def _skip(self, views: list[memoryview[int]], count: int) -> None:
        position = self.position
        try:
            # nearly all time of reading a header goes here, and by fours it takes half as long
            for _ in range(count >> 2):
                position += 8 + views[position & 7][position >> 3]
                position += 8 + views[position & 7][position >> 3]
                position += 8 + views[position & 7][position >> 3]
                position += 8 + views[position & 7][position >> 3]
            for _ in range(count & 3):
                position += 8 + views[position & 7][position >> 3]
        except IndexError:
            # the step that failed leads beyond the data, so this raises
            self.take(position + 8 - self.position)
            raise
        self.take(position - self.position)


def _views(data: bytes) -> list[memoryview[int]]:
    """Return the data as 64-bit numbers that begin at byte 0, 1, 2 ...: lengths stand anywhere, and
    indexing a view costs less than unpacking.
    """
    whole = memoryview(data)
    ends = [shift + max(0, len(data) - shift) // 8 * 8 for shift in range(8)]
    return [whole[shift : ends[shift]].cast("Q") for shift in range(8)]
