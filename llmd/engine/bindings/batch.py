"""llama_batch over NumPy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
import numpy.typing as npt


class Batch:
    """What one decode call carries: NumPy arrays of `capacity` entries that llama.cpp reads in
    place.
    """

    def __init__(self, capacity: int) -> None:
        self.tokens = np.zeros(capacity, np.int32)
        self.positions = np.zeros(capacity, np.int32)
        self.sequences = np.zeros(capacity, np.int32)
        self.outputs = np.zeros(capacity, np.int8)
        self._counts = np.ones(capacity, np.int32)
        self._pointers = (self.sequences.ctypes.data + 4 * np.arange(capacity)).astype(np.uint64)
        batch: Any = lib.llama_batch()
        batch.token = self.tokens.ctypes.data_as(ctypes.POINTER(lib.llama_token))
        batch.pos = self.positions.ctypes.data_as(ctypes.POINTER(lib.llama_pos))
        batch.n_seq_id = self._counts.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        batch.seq_id = self._pointers.ctypes.data_as(
            ctypes.POINTER(ctypes.POINTER(lib.llama_seq_id))
        )
        batch.logits = self.outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        self.c = batch
        arrays: dict[str, npt.NDArray[Any]] = {
            "token": self.tokens,
            "pos": self.positions,
            "n_seq_id": self._counts,
            "seq_id": self._pointers,
            "logits": self.outputs,
        }
        self._fields = [(name, each.ctypes.data, each.itemsize) for name, each in arrays.items()]

    def part(self, start: int, count: int) -> Any:
        """Return a llama_batch of so many entries from index `start` on."""
        part: Any = lib.llama_batch()
        part.n_tokens = count
        for name, address, size in self._fields:
            kind = type(getattr(self.c, name))
            setattr(part, name, ctypes.cast(address + start * size, kind))
        return part

    def fill(self, at: int, tokens: Sequence[int], position: int, sequence: int) -> int:
        """Write a run of tokens of one sequence from index `at`, none of them an output; return the
        index after it.
        """
        end = at + len(tokens)
        self.tokens[at:end] = tokens
        self.positions[at:end] = np.arange(position, position + len(tokens), dtype=np.int32)
        self.sequences[at:end] = sequence
        self.outputs[at:end] = 0
        return end
