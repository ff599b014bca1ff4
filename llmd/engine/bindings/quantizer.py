"""llama.cpp's quantiser: one GGUF in, one of another type out, in a call that may take an hour.

It says what it does in its log alone, which `llmd.engine.quantizing` reads.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import llama_cpp.llama_cpp as lib

from llmd.engine.bindings.library import Floats

_LONGEST_VALUE = 127


@dataclass(frozen=True, slots=True)
class QuantizerOptions:
    """What is written."""

    file_type: int
    """`llama_ftype`."""
    threads: int
    dry_run: bool = False
    """Only the log: nothing is written."""
    requantize: bool = False
    keep_split: bool = False
    """The target then is a name that each part's number and `.gguf` go behind."""
    output_tensor_type: int | None = None
    """`ggml_type`."""
    token_embedding_type: int | None = None
    importance: Mapping[str, Floats] = field(default_factory=dict)
    """Of each input column, by tensor; float32, contiguous."""
    notes: Sequence[tuple[str, str | int]] = ()
    """Key-values to set in the new file."""
    buffer: int = 0
    """Most bytes of a tensor that are held in memory at once; 0: 8 GiB."""


def quantize(source: str, target: str, options: QuantizerOptions) -> bool:
    """Write `target`; False when llama.cpp refuses or fails, and the log says why."""
    params = lib.llama_model_quantize_default_params()
    params.ftype = options.file_type
    params.nthread = options.threads
    params.dry_run = options.dry_run
    params.allow_requantize = options.requantize
    params.keep_split = options.keep_split
    if options.output_tensor_type is not None:
        params.output_tensor_type = options.output_tensor_type
    if options.token_embedding_type is not None:
        params.token_embedding_type = options.token_embedding_type
    if options.buffer:
        params.max_buf_size = options.buffer
    # llama.cpp reads these arrays during the call: the names here keep them alive
    importance = _importance(options.importance)
    notes = _overrides(options.notes)
    if options.importance:
        params.imatrix = ctypes.cast(importance, type(params.imatrix))
    if options.notes:
        params.kv_overrides = ctypes.cast(notes, type(params.kv_overrides))
    code = lib.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params))
    del importance, notes
    return bool(code == 0)


def _importance(importance: Mapping[str, Floats]) -> Any:
    """Return the array that a null name ends; its elements point into `importance`."""
    array = (lib.llama_model_imatrix_data * (len(importance) + 1))()
    for entry, (name, values) in zip(array, importance.items(), strict=False):
        entry.name = name.encode()
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = values.size
    return array


def _overrides(notes: Sequence[tuple[str, str | int]]) -> Any:
    """Return the array that an empty key ends."""
    array = (lib.llama_model_kv_override * (len(notes) + 1))()
    for entry, (key, value) in zip(array, notes, strict=False):
        entry.key = key.encode()
        if isinstance(value, str):
            entry.tag = lib.LLAMA_KV_OVERRIDE_TYPE_STR
            # cut between characters, as the field holds no more
            entry.value.val_str = value.encode()[:_LONGEST_VALUE].decode("utf-8", "ignore").encode()
        else:
            entry.tag = lib.LLAMA_KV_OVERRIDE_TYPE_INT
            entry.value.val_i64 = value
    return array
