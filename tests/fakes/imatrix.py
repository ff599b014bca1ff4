"""Importance matrices made to order, in both formats of llama.cpp's imatrix tool."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

from llmd.models.gguf.header import read_header


def columns(model: Path) -> dict[str, int]:
    """Return the input columns of each weight matrix of a model."""
    return {
        tensor.name: tensor.shape[0]
        for tensor in read_header(model).tensors
        if len(tensor.shape) > 1 and tensor.name.endswith("weight")
    }


def write_imatrix(path: Path, sizes: Mapping[str, int], counts: Sequence[float] = (3.0,)) -> Path:
    """Write today's format: sums of squares that grow over the columns, one count per expert."""
    writer = gguf.GGUFWriter(str(path), "", use_temp_file=False)
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["wiki.txt"])
    writer.add_uint32("imatrix.chunk_count", 7)
    writer.add_uint32("imatrix.chunk_size", 512)
    for name, size in sizes.items():
        sums = np.tile(np.linspace(1, 9, size, dtype=np.float32), (len(counts), 1))
        writer.add_tensor(f"{name}.in_sum2", sums)
        writer.add_tensor(f"{name}.counts", np.array(counts, np.float32)[:, None])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def legacy_imatrix(sizes: Mapping[str, int], calls: int = 2) -> bytes:
    """Return the older format."""
    data = struct.pack("<i", len(sizes))
    for name, size in sizes.items():
        values = np.full(size, 4.0, np.float32).tobytes()
        data += struct.pack("<i", len(name)) + name.encode()
        data += struct.pack("<ii", calls, size) + values
    return data + struct.pack("<ii", 5, 8) + b"wiki.txt"
