"""Writes a GGUF again with other key-values and more tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

Value = tuple[Any, gguf.GGUFValueType] | tuple[Any, gguf.GGUFValueType, gguf.GGUFValueType]


def copy_gguf(
    path: Path,
    source: Path,
    values: Mapping[str, Value],
    tensors: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> Path:
    """Write `source` to `path`, with `values` in place of its own and `tensors` behind its own."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(str(path), reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            inner = field.types[1] if len(field.types) > 1 else None
            if field.name not in values:
                writer.add_key_value(field.name, field.contents(), field.types[0], inner)
    for name, value in values.items():
        writer.add_key_value(name, *value)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    for name, data in (tensors or {}).items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_infill_model(path: Path, source: Path, first: int) -> Path:
    """Write a model whose vocabulary marks three tokens from `first` on as those around a gap."""
    number = gguf.GGUFValueType.UINT32
    names = ("fim_pre", "fim_suf", "fim_mid")
    marks = {
        f"tokenizer.ggml.{name}_token_id": (first + place, number)
        for place, name in enumerate(names)
    }
    return copy_gguf(path, source, marks)
