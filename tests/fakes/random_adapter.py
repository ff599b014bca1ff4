"""Writes LoRA adapters with random weights, for any model file whose tensors they then change."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import gguf
import numpy as np

_read = cache(gguf.GGUFReader)  # a third of a second
_CHANGED = ("attn_q.weight", "attn_v.weight", "ffn_up.weight")
_RANK = 4


def write_adapter(
    path: Path,
    base: Path,
    *,
    seed: int = 0,
    strength: float = 1.0,
    architecture: str = "",
    invocation: tuple[int, ...] = (),
) -> Path:
    """Write an adapter for the model `base` and return its path; `architecture` overrides the
    model's, `invocation` makes it one that certain tokens switch on (aLoRA).
    """
    reader = _read(base)
    rng = np.random.default_rng(seed)
    own = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(str(path), architecture or own)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_RANK))
    if invocation:
        kinds = gguf.GGUFValueType
        key = "adapter.alora.invocation_tokens"
        writer.add_key_value(key, list(invocation), kinds.ARRAY, kinds.UINT32)
    for tensor in reader.tensors:
        if tensor.name.endswith(_CHANGED):
            inputs, outputs = (int(size) for size in tensor.shape)
            a = rng.standard_normal((_RANK, inputs)) / np.sqrt(inputs)
            b = strength * rng.standard_normal((outputs, _RANK)) / np.sqrt(_RANK)
            writer.add_tensor(f"{tensor.name}.lora_a", a.astype(np.float32))
            writer.add_tensor(f"{tensor.name}.lora_b", b.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
