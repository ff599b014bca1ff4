"""Reads importance matrices: how strongly each input column of a weight matrix was driven while a
model read a calibration text.

Two formats, both of llama.cpp's imatrix tool (common/imatrix-loader.cpp): today's GGUF with a sum
of squares and a count per tensor (`NAME.in_sum2`, `NAME.counts`; one count per expert), and the
older binary one. Used by the quantising program alone; files of both kinds come from anywhere, so
every length is checked against what the file holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from llmd.errors import CorruptFile, InvalidRequest, NotFound
from llmd.models.gguf.header import Header, Tensor, read_header

Vector = npt.NDArray[np.float32]

_MAGIC = b"GGUF"
_SUMS, _COUNTS = ".in_sum2", ".counts"
_I32 = struct.Struct("<i")
_MOST_ENTRIES = 2**18
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class ImportanceMatrix:
    """What a file holds."""

    weights: dict[str, Vector]
    """Importance of each input column by tensor; of all experts one behind the other."""
    chunks: int
    """Pieces of text that were read for it; 0: it does not say."""
    dataset: str
    """The text, as the file names it."""


def read_imatrix(path: Path) -> ImportanceMatrix:
    """Read a file of either format; raise NotFound, CorruptFile or InvalidRequest (it is a GGUF of
    another kind).
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                file.seek(0)
                return _Legacy(file, path).read()
            return _from_gguf(path, file)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", param="imatrix") from error


def _from_gguf(path: Path, file: BinaryIO) -> ImportanceMatrix:
    header = read_header(path)
    if header.needed_size > header.file_size:
        raise _damaged(path, "it ends in the middle")
    tensors = {tensor.name: tensor for tensor in header.tensors}
    names = [name.removesuffix(_SUMS) for name in tensors if name.endswith(_SUMS)]
    if not names:
        raise InvalidRequest(
            f"{path} is a GGUF file, but no importance matrix.",
            hint="Name a file that llama.cpp's imatrix tool made.",
            param="imatrix",
        )
    weights: dict[str, Vector] = {}
    for name in names:
        counts = tensors.get(name + _COUNTS)
        if counts is None:
            raise _damaged(path, f"{name} has sums but no counts")
        weights[name] = _mean(
            path, _floats(file, header, tensors[name + _SUMS]), _floats(file, header, counts)
        )
    chunks = header.values.get("imatrix.chunk_count", 0)
    datasets = header.values.get("imatrix.datasets", [])
    first = datasets[0] if isinstance(datasets, list) and datasets else ""
    return ImportanceMatrix(
        _finite(path, weights), chunks if isinstance(chunks, int) else 0, str(first)
    )


def _floats(file: BinaryIO, header: Header, tensor: Tensor) -> Vector:
    if tensor.type.name != "F32":
        raise CorruptFile(f"The tensor {tensor.name} is {tensor.type.name}, not F32.")
    file.seek(header.data_offset + tensor.offset)
    return np.frombuffer(file.read(tensor.size), "<f4").astype(np.float32)


def _mean(path: Path, sums: Vector, counts: Vector) -> Vector:
    """Divide the sums of each expert by its count; one that was never asked counts evenly."""
    if not counts.size or sums.size % counts.size:
        raise _damaged(path, f"{sums.size} sums do not go with {counts.size} counts")
    rows = sums.reshape(counts.size, -1)
    times = np.rint(counts)[:, None]
    return np.where(times > 0, rows / np.maximum(times, 1), 1).astype(np.float32).reshape(-1)


class _Legacy:
    """The binary format: number of entries, then each name, calls and values, at last the number
    of chunks and the dataset.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path

    def read(self) -> ImportanceMatrix:
        entries = self._number(_MOST_ENTRIES)
        weights: dict[str, Vector] = {}
        for _ in range(entries):
            name = self._take(self._number(_LONGEST_NAME)).decode("utf-8", "replace")
            calls = self._number(2**31 - 1)
            values = np.frombuffer(self._take(4 * self._number(2**28)), "<f4")
            weights[name] = (values / max(calls, 1)).astype(np.float32)
        if not weights:
            raise _damaged(self._path, "it is no importance matrix")
        chunks, dataset = self._ending()
        return ImportanceMatrix(_finite(self._path, weights), chunks, dataset)

    def _ending(self) -> tuple[int, str]:
        """Return what older files leave out."""
        try:
            return self._number(2**31 - 1), self._take(self._number(2**16)).decode(
                "utf-8", "replace"
            )
        except CorruptFile:
            return 0, ""

    def _number(self, most: int) -> int:
        number: int = _I32.unpack(self._take(_I32.size))[0]
        if not 0 <= number <= most:
            raise _damaged(self._path, "it is no importance matrix")
        return number

    def _take(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise _damaged(self._path, "it is no importance matrix, or ends in the middle")
        return data


def _finite(path: Path, weights: dict[str, Vector]) -> dict[str, Vector]:
    for name, values in weights.items():
        if not np.isfinite(values).all():
            raise _damaged(path, f"{name} has values that are no numbers")
    return weights


def _damaged(path: Path, what: str) -> CorruptFile:
    return CorruptFile(
        f"{path} is not a usable importance matrix: {what}.",
        hint="Make it anew with llama.cpp's imatrix tool, or fetch it again.",
        param="imatrix",
        path=str(path),
    )
