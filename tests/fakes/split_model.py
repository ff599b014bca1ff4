"""Splits a GGUF into three parts, as llama.cpp's gguf-split does."""

from __future__ import annotations

from pathlib import Path

import gguf


def split(source: Path, folder: Path, parts: int = 3) -> list[Path]:
    """Write the parts of a model and return their paths in order."""
    folder.mkdir()
    reader = gguf.GGUFReader(source)
    limit = -(-len(reader.tensors) // parts)
    writer = gguf.GGUFWriter(
        str(folder / "part.gguf"),
        str(reader.fields["general.architecture"].contents()),
        split_max_tensors=limit,
    )
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob("part-*.gguf"))
