"""The only file that imports llama_cpp: typed, owning wrappers over llama.cpp's C API, with NumPy
views on its buffers.

Every binding used here has a regression test in tests/unit/engine/test_bindings.py, because an
upgrade of llama-cpp-python moves the C structs under it. Pointers are freed by `close()`; nothing
is freed behind the caller's back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
import numpy.typing as npt
from llama_cpp._ggml import libggml

Tokens = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

KV_TYPES = {"f16": lib.GGML_TYPE_F16, "q8_0": lib.GGML_TYPE_Q8_0, "q4_0": lib.GGML_TYPE_Q4_0}

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data."""


class Pooling(IntEnum):
    """llama_pooling_type."""

    UNSPECIFIED = lib.LLAMA_POOLING_TYPE_UNSPECIFIED
    NONE = lib.LLAMA_POOLING_TYPE_NONE
    MEAN = lib.LLAMA_POOLING_TYPE_MEAN
    RANK = lib.LLAMA_POOLING_TYPE_RANK


# ctypes callbacks that llama.cpp keeps; without a reference here Python would free them under it
_kept: list[Any] = []


def start_backend(log: Callable[[int, str], None]) -> None:
    """Start llama.cpp once per process; `log` receives (ggml level: 1 debug .. 4 error, 5
    continuation; text).
    """

    def forward(level: int, text: bytes, _: object) -> None:
        log(level, text.decode("utf-8", "replace"))

    callback = lib.llama_log_callback(forward)
    _kept.append(callback)
    lib.llama_log_set(callback, ctypes.c_void_p(0))
    lib.llama_backend_init()


def system_info() -> str:
    """Return llama.cpp's build features."""
    info: bytes = lib.llama_print_system_info()
    return info.decode()


def devices() -> list[str]:
    """Return the names of ggml's devices that are not the CPU, such as `CUDA0`."""
    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_name.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_name.restype = ctypes.c_char_p
    count = libggml.ggml_backend_dev_count()
    names = [
        libggml.ggml_backend_dev_name(libggml.ggml_backend_dev_get(i)).decode()
        for i in range(count)
    ]
    return [name for name in names if not name.startswith(("CPU", "BLAS"))]


class Vocab:
    """Text to tokens and back; safe to use from several threads."""

    def __init__(self, pointer: Any) -> None:
        self._p = pointer
        self.size: int = lib.llama_vocab_n_tokens(pointer)
        self.bos: int = lib.llama_vocab_bos(pointer)
        self.eos: int = lib.llama_vocab_eos(pointer)
        self.adds_bos: bool = lib.llama_vocab_get_add_bos(pointer)
        self.end_tokens = frozenset(
            t for t in range(self.size) if lib.llama_vocab_is_eog(pointer, t)
        )
        self._pieces: dict[int, bytes] = {}

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Return the tokens of `text`; `add_special` puts BOS/EOS where the model wants them."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            buffer = (lib.llama_token * room)()
            count = lib.llama_tokenize(
                self._p, data, len(data), buffer, room, add_special, parse_special
            )
            if count >= 0:
                return buffer[:count]
            room = -count

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token; control tokens are empty unless `special`."""
        if not special and token in self._pieces:
            return self._pieces[token]
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = lib.llama_token_to_piece(self._p, token, buffer, room, 0, special)
            if count >= 0:
                break
            room = -count
        if not special:
            self._pieces[token] = buffer.raw[:count]
        return buffer.raw[:count]

    def is_control(self, text: str) -> bool:
        """Whether `text` is one single token of this vocabulary, as chat markers are."""
        return len(self.tokenize(text, add_special=False, parse_special=True)) == 1


class Model:
    """The weights of one GGUF file."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self.vocab = Vocab(lib.llama_model_get_vocab(pointer))
        self.size: int = lib.llama_model_size(pointer)
        self.trained_context: int = lib.llama_model_n_ctx_train(pointer)
        self.layers: int = lib.llama_model_n_layer(pointer)
        self.width: int = lib.llama_model_n_embd_out(pointer)
        self.has_decoder: bool = lib.llama_model_has_decoder(pointer)

    @classmethod
    def load(cls, path: str, *, gpu_layers: int, progress: Callable[[float], None]) -> Model | None:
        """Read the weights; None when llama.cpp refuses (the log says why). `progress` gets shares
        from 0 to 1.
        """

        def report(share: float, _: object) -> bool:
            progress(share)
            return True

        params = lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layers if gpu_layers >= 0 else 10_000
        params.progress_callback = lib.llama_progress_callback(report)
        pointer = lib.llama_model_load_from_file(path.encode(), params)
        return cls(pointer) if pointer else None

    def metadata(self, key: str) -> str | None:
        """Return one GGUF value as text."""
        room = 256
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = lib.llama_model_meta_val_str(self.pointer, key.encode(), buffer, room)
            if count < 0:
                return None
            if count < room:
                return buffer.value.decode("utf-8", "replace")
            room = count + 1

    def chat_template(self) -> str | None:
        """Return the Jinja source stored in the file."""
        found = lib.llama_model_chat_template(self.pointer, None)
        return found.decode("utf-8", "replace") if found else None

    def kv_bytes_per_token(self, kv_type: str) -> int:
        """Return an upper bound of the KV cache bytes of one token (all layers attending, both K
        and V).
        """
        arch = self.metadata("general.architecture") or ""
        heads = max(1, lib.llama_model_n_head(self.pointer))
        default = lib.llama_model_n_embd(self.pointer) // heads
        key = int(self.metadata(f"{arch}.attention.key_length") or default)
        value = int(self.metadata(f"{arch}.attention.value_length") or default)
        element = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}[kv_type]
        return int(
            self.layers * max(1, lib.llama_model_n_head_kv(self.pointer)) * (key + value) * element
        )

    def close(self) -> None:
        """Free the weights."""
        lib.llama_model_free(self.pointer)


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


class SamplerChain:
    """llama.cpp's samplers in the order they were added; the last one picks."""

    def __init__(self) -> None:
        self._p = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())

    def _add(self, sampler: Any) -> None:
        lib.llama_sampler_chain_add(self._p, sampler)

    def add_logit_bias(self, vocab_size: int, biases: dict[int, float]) -> None:
        """Add a constant to the logits of some tokens."""
        array = (lib.llama_logit_bias * len(biases))(
            *(lib.llama_logit_bias(t, b) for t, b in biases.items())
        )
        self._add(lib.llama_sampler_init_logit_bias(vocab_size, len(biases), array))

    def add_penalties(
        self, vocab_size: int, last: int, repeat: float, frequency: float, presence: float
    ) -> None:
        """Penalise tokens among the `last` accepted ones."""
        self._add(lib.llama_sampler_init_penalties(vocab_size, last, repeat, frequency, presence))

    def add_truncation(self, top_k: int, typical_p: float, top_p: float, min_p: float) -> None:
        """Drop unlikely tokens; neutral values add nothing."""
        if top_k > 0:
            self._add(lib.llama_sampler_init_top_k(top_k))
        if typical_p < 1:
            self._add(lib.llama_sampler_init_typical(typical_p, 1))
        if top_p < 1:
            self._add(lib.llama_sampler_init_top_p(top_p, 1))
        if min_p > 0:
            self._add(lib.llama_sampler_init_min_p(min_p, 1))

    def add_draw(self, temperature: float, seed: int) -> None:
        """Draw from the distribution at this temperature."""
        self._add(lib.llama_sampler_init_temp(temperature))
        self._add(lib.llama_sampler_init_dist(seed))

    def add_greedy(self) -> None:
        """Pick the likeliest."""
        self._add(lib.llama_sampler_init_greedy())

    def accept(self, token: int) -> None:
        """Tell the penalties that this token is now part of the text."""
        lib.llama_sampler_accept(self._p, token)

    def pick(self, candidates: npt.NDArray[np.void]) -> int:
        """Run the chain over an array of dtype CANDIDATE (overwritten); return the chosen token."""
        data = candidates.ctypes.data_as(lib.llama_token_data_p)
        array = lib.llama_token_data_array(data, len(candidates), -1, False)  # noqa: FBT003  C struct
        lib.llama_sampler_apply(self._p, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def close(self) -> None:
        """Free the samplers."""
        lib.llama_sampler_free(self._p)
