"""A KV cache and the compute buffers to run a model with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np

from llmd.engine.bindings.batch import Batch
from llmd.engine.bindings.library import KV_TYPES, Floats
from llmd.engine.bindings.model import Model


class Pooling(IntEnum):
    """llama_pooling_type."""

    UNSPECIFIED = lib.LLAMA_POOLING_TYPE_UNSPECIFIED
    NONE = lib.LLAMA_POOLING_TYPE_NONE
    MEAN = lib.LLAMA_POOLING_TYPE_MEAN
    RANK = lib.LLAMA_POOLING_TYPE_RANK


@dataclass(frozen=True, slots=True)
class ContextShape:
    """Sizes of a context, all in tokens but for `sequences` and `threads`."""

    tokens: int
    sequences: int
    batch: int
    micro_batch: int
    threads: int
    outputs: int = 0
    """Rows of logits one decode call may ask for; 0: one per batch token."""
    kv_type: str = "f16"
    embeddings: bool = False
    pooling: Pooling = Pooling.UNSPECIFIED


class Context:
    """A KV cache and the compute buffers to run a model with."""

    def __init__(self, pointer: Any, model: Model) -> None:
        self._p = pointer
        self._memory = lib.llama_get_memory(pointer)
        self._vocab_size = model.vocab.size
        self._width = model.width
        self.tokens: int = lib.llama_n_ctx(pointer)
        self.pooling = lib.llama_pooling_type(pointer)
        self.can_shift: bool = bool(self._memory) and lib.llama_memory_can_shift(self._memory)

    @classmethod
    def create(cls, model: Model, shape: ContextShape) -> Context | None:
        """Allocate; None when llama.cpp refuses (the log says why)."""
        params = lib.llama_context_default_params()
        params.n_ctx = shape.tokens
        params.n_batch = shape.batch
        params.n_ubatch = shape.micro_batch
        params.n_seq_max = shape.sequences
        params.n_outputs_max = shape.outputs
        params.n_threads = params.n_threads_batch = shape.threads
        params.type_k = params.type_v = KV_TYPES[shape.kv_type]
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.kv_unified = True
        params.embeddings = shape.embeddings
        params.pooling_type = int(shape.pooling)
        params.no_perf = True
        pointer = lib.llama_init_from_model(model.pointer, params)
        return cls(pointer, model) if pointer else None

    def decode(self, batch: Batch, count: int) -> int:
        """Run the first `count` entries; 0 fine, 1 no room in the KV cache (nothing changed),
        negative broken.
        """
        batch.c.n_tokens = count
        return int(lib.llama_decode(self._p, batch.c))

    def logits(self, rows: int) -> Floats:
        """Return a writable view, shape (rows, vocabulary), in the order of the batch's outputs."""
        return np.ctypeslib.as_array(lib.llama_get_logits(self._p), (rows, self._vocab_size))

    def embedding(self, sequence: int) -> Floats:
        """Return a copy of the pooled vector of one sequence, shape (width,)."""
        pointer = lib.llama_get_embeddings_seq(self._p, sequence)
        return np.ctypeslib.as_array(pointer, (self._width,)).copy()

    def remove(self, sequence: int, start: int = -1, end: int = -1) -> bool:
        """Forget positions [start, end) of a sequence, all of it by default; False where the memory
        cannot.
        """
        return not self._memory or bool(lib.llama_memory_seq_rm(self._memory, sequence, start, end))

    def move(self, sequence: int, start: int, delta: int) -> None:
        """Add `delta` to all positions of a sequence from `start` on."""
        lib.llama_memory_seq_add(self._memory, sequence, start, -1, delta)

    def clear(self) -> None:
        """Forget everything."""
        if self._memory:
            lib.llama_memory_clear(self._memory, False)  # noqa: FBT003  C signature

    def close(self) -> None:
        """Free the buffers."""
        lib.llama_free(self._p)
