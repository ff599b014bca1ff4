"""A KV cache and the compute buffers to run a model with."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

import llama_cpp.llama_cpp as lib
import numpy as np

from llmd.engine.bindings.abstaining import can_give_back, copied_rows, give_back_rows
from llmd.engine.bindings.adapters import Adapter
from llmd.engine.bindings.batch import Batch
from llmd.engine.bindings.headless import Headless
from llmd.engine.bindings.in_place import InPlaceLogits, can_read_in_place
from llmd.engine.bindings.library import FLASH_ATTENTION, KV_TYPES, Bytes, Floats
from llmd.engine.bindings.model import Model
from llmd.engine.bindings.state import state_load, state_save, state_size


class Pooling(IntEnum):
    """llama_pooling_type."""

    UNSPECIFIED = lib.LLAMA_POOLING_TYPE_UNSPECIFIED
    NONE = lib.LLAMA_POOLING_TYPE_NONE
    MEAN = lib.LLAMA_POOLING_TYPE_MEAN
    CLS = lib.LLAMA_POOLING_TYPE_CLS
    LAST = lib.LLAMA_POOLING_TYPE_LAST
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
    flash_attention: str = "auto"
    embeddings: bool = False
    pooling: Pooling = Pooling.UNSPECIFIED
    full_windows: bool = True
    """Whether layers that attend to a window have cells for all tokens; otherwise for a window of
    each sequence and a micro batch.
    """
    in_place: bool = False
    """Read logits where they are computed, where that is possible, and give back the memory that
    copies do not need; only where the CPU computes all of them.
    """
    headless: bool = False
    """Compute the hidden states of tokens and no logits, for `Context.states`; only for models with
    causal attention on the CPU, with `embeddings`, without pooling, and with micro batches that are
    no larger than `sequences`.
    """


class Context:
    """A KV cache and the compute buffers to run a model with."""

    sharing: ClassVar[int] = 1
    """Processes that compute at this moment, each with its share of the threads; set by any
    thread.
    """

    def __init__(
        self,
        pointer: Any,
        model: Model,
        shape: ContextShape,
        early: InPlaceLogits | Headless | None = None,
    ) -> None:
        self._p = pointer
        self._early = early
        self._computed = early if isinstance(early, InPlaceLogits) else None
        self._micro_batch = shape.micro_batch
        most = (shape.outputs or shape.batch) if self._computed else 0
        self._gathered = np.empty((most, model.vocab.size), np.float32)
        self._parts = 0
        """Rows in there of the latest call, where it was made in several."""
        self._memory = lib.llama_get_memory(pointer)
        self._vocab_size = model.vocab.size
        self._width = model.width
        self._labels = model.labels
        self._logits: tuple[int, Floats] = (0, np.empty((0, 0), np.float32))
        """Address and view of the latest logits; they lie where they lay before in most steps."""
        self._threads = self._wanted = int(lib.llama_n_threads(pointer))
        self.tokens: int = lib.llama_n_ctx(pointer)
        self.pooling = lib.llama_pooling_type(pointer)
        self.can_shift: bool = bool(self._memory) and lib.llama_memory_can_shift(self._memory)

    @classmethod
    def create(
        cls, model: Model, shape: ContextShape, predicting: Context | None = None
    ) -> Context | None:
        """Allocate; None when llama.cpp refuses (the log says why).

        With `predicting`, it runs the model's prediction layer on the hidden states of that
        context, see llmd.engine.bindings.prediction.
        """
        params = lib.llama_context_default_params()
        if predicting:
            params.ctx_type = lib.LLAMA_CONTEXT_TYPE_MTP
            params.ctx_other = predicting.pointer
        params.n_ctx = shape.tokens
        params.n_batch = shape.batch
        params.n_ubatch = shape.micro_batch
        params.n_seq_max = shape.sequences
        params.n_outputs_max = shape.outputs
        params.n_threads = params.n_threads_batch = shape.threads
        params.type_k = params.type_v = KV_TYPES[shape.kv_type]
        params.flash_attn_type = FLASH_ATTENTION[shape.flash_attention]
        params.kv_unified = True
        params.swa_full = shape.full_windows
        params.embeddings = shape.embeddings
        params.pooling_type = int(shape.pooling)
        params.no_perf = True
        early = _early(model, shape, predicting)
        if early:
            early.enter(params)
        pointer = lib.llama_init_from_model(model.pointer, params)
        if early and not (pointer and early.settle(pointer, model.vocab.size)):
            early.close()
            early = None
        if pointer and shape.in_place and not early:
            give_back_rows(pointer, shape.sequences, model.vocab.size)
        return cls(pointer, model, shape, early) if pointer else None

    @property
    def pointer(self) -> Any:
        """The C object, for the other bindings."""
        return self._p

    @property
    def reads_in_place(self) -> bool:
        """Whether logits are read where they are computed, and nothing is copied anywhere."""
        return self._computed is not None

    @property
    def is_headless(self) -> bool:
        """Whether hidden states are computed and nothing else."""
        return isinstance(self._early, Headless)

    def decode(self, batch: Batch, count: int) -> int:
        """Run the first `count` entries; 0 fine, 1 no room in the KV cache (nothing changed),
        negative broken.
        """
        self._settle_threads()
        if self._computed and count > self._micro_batch:
            return self._decode_parts(batch, count)
        self._parts = 0
        batch.c.n_tokens = count
        return int(lib.llama_decode(self._p, batch.c))

    def _decode_parts(self, batch: Batch, count: int) -> int:
        """Make a call for each micro batch, since each overwrites the result of the one before."""
        end = 0
        for start in range(0, count, self._micro_batch):
            size = min(self._micro_batch, count - start)
            status = int(lib.llama_decode(self._p, batch.part(start, size)))
            if status:
                self._take_back(batch, start)
                return status
            if rows := int(np.count_nonzero(batch.outputs[start : start + size])):
                self._gathered[end : end + rows] = self._rows(rows)
                end += rows
        self._parts = end
        return 0

    def _take_back(self, batch: Batch, count: int) -> None:
        sequences, positions = batch.sequences[:count], batch.positions[:count]
        for sequence in np.unique(sequences):
            self.remove(int(sequence), int(positions[sequences == sequence].min()))

    def use_threads(self, count: int) -> None:
        """Run decode calls with so many threads from now on, or with a share of them."""
        self._wanted = count
        self._settle_threads()

    def _settle_threads(self) -> None:
        count = max(1, self._wanted // self.sharing)
        if count != self._threads:
            lib.llama_set_n_threads(self._p, count, count)
            self._threads = count

    def logits(self, rows: int) -> Floats:
        """Return a writable view, shape (rows, vocabulary), in the order of the batch's outputs."""
        return self._gathered[:rows] if self._parts else self._rows(rows)

    def _rows(self, rows: int) -> Floats:
        address, view = self._logits
        computed = self._computed
        found = computed.address(self._p, rows) if computed else copied_rows(self._p)
        if found != address or len(view) != rows:
            pointer = ctypes.cast(found, ctypes.POINTER(ctypes.c_float))
            view = np.ctypeslib.as_array(pointer, (rows, self._vocab_size))
            self._logits = found, view
        return view

    def states(self, batch: Batch, count: int) -> Floats | None:
        """Run the first `count` entries, all of them outputs, in as many calls as it takes; return
        their hidden states, shape (count, width), or None where they did not fit.
        """
        found = np.empty((count, self._width), np.float32)
        for start in range(0, count, self._micro_batch):
            self._settle_threads()
            size = min(self._micro_batch, count - start)
            if lib.llama_decode(self._p, batch.part(start, size)):
                return None
            rows = lib.llama_get_embeddings(self._p)
            found[start : start + size] = np.ctypeslib.as_array(rows, (size, self._width))
        return found

    def embedding(self, sequence: int) -> Floats:
        """Return a copy of the pooled vector of one sequence, shape (width,); with rank pooling of
        its scores, shape (labels,).
        """
        pointer = lib.llama_get_embeddings_seq(self._p, sequence)
        size = self._labels if self.pooling == Pooling.RANK else self._width
        return np.ctypeslib.as_array(pointer, (size,)).copy()

    def adapt(self, adapters: Sequence[tuple[Adapter, float]]) -> None:
        """Run with these adapters at these scales from now on, and with no others."""
        count = len(adapters)
        pointers = (lib.llama_adapter_lora_p_ctypes * count)(*(a.pointer for a, _ in adapters))
        scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
        lib.llama_set_adapters_lora(self._p, pointers, count, scales)

    def remove(self, sequence: int, start: int = -1, end: int = -1) -> bool:
        """Forget positions [start, end) of a sequence, all of it by default; False where the memory
        cannot.
        """
        return not self._memory or bool(lib.llama_memory_seq_rm(self._memory, sequence, start, end))

    def move(self, sequence: int, start: int, delta: int) -> None:
        """Add `delta` to all positions of a sequence from `start` on."""
        lib.llama_memory_seq_add(self._memory, sequence, start, -1, delta)

    def copy(self, source: int, target: int, start: int = -1, end: int = -1) -> None:
        """Let `target` share positions [start, end) of `source`, all by default, without copying
        cells; a recurrent state is shared whole, and takes the place of the target's.
        """
        lib.llama_memory_seq_cp(self._memory, source, target, start, end)

    def first(self, sequence: int) -> int:
        """Return the first position that is held of a sequence, -1 if none; above 0 where windowed
        layers have dropped what lies before it, and the last position for a recurrent state.
        """
        return int(lib.llama_memory_seq_pos_min(self._memory, sequence))

    def last(self, sequence: int) -> int:
        """Return the last position of a sequence, -1 if none."""
        return int(lib.llama_memory_seq_pos_max(self._memory, sequence))

    def state_size(self, sequence: int, *, partial: bool = False) -> int:
        """Return the bytes that `state_save` would."""
        return state_size(self._p, sequence, partial=partial)

    def state_save(self, sequence: int, *, partial: bool = False) -> Bytes:
        """Return what the memory holds of a sequence, shape (bytes,); `partial`: only what cannot
        be cut back to an earlier position (cells of windowed layers, recurrent states).
        """
        return state_save(self._p, sequence, partial=partial)

    def state_load(self, sequence: int, saved: Bytes, *, partial: bool = False) -> bool:
        """Put back what `state_save` returned, in place of what the sequence holds; False, and an
        empty sequence, where llama.cpp refuses (no room, another layout).

        Only for bytes that are known to be whole: see llmd.engine.bindings.state.
        """
        loaded = state_load(self._p, sequence, saved, partial=partial)
        if not loaded:
            self.remove(sequence)
        return loaded

    def clear(self) -> None:
        """Forget everything."""
        if self._memory:
            lib.llama_memory_clear(self._memory, False)  # noqa: FBT003  C signature

    def close(self) -> None:
        """Free the buffers."""
        lib.llama_free(self._p)
        if self._early:
            self._early.close()


def _early(
    model: Model, shape: ContextShape, predicting: Context | None
) -> InPlaceLogits | Headless | None:
    """Return what spares a context the copies of logits, or logits altogether."""
    if shape.headless and can_give_back():
        return Headless(shape.sequences)
    wanted = shape.in_place and model.has_plain_cache and not predicting
    if wanted and can_read_in_place(shape.sequences, model.vocab.size):
        return InPlaceLogits(shape.sequences)
    return None
