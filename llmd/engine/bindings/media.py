"""libmtmd: pictures and sounds to embeddings that stand in a sequence like tokens.

llama.cpp's experimental library, so what is used of it is small: a projector file is loaded beside
a model, text and `Bitmap`s become a list of text tokens and `Patch`es, a patch is encoded once and
its embeddings are decoded into the KV cache, at positions and with the attention mask that the
model wants (M-RoPE, non-causal).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp.llama_cpp as lib
import llama_cpp.mtmd_cpp as mtmd
import numpy as np

from llmd.engine.bindings.context import Context
from llmd.engine.bindings.library import Floats
from llmd.engine.bindings.model import Model

# ctypes callbacks that libmtmd keeps; without a reference here Python would free them under it
_kept: list[Any] = []


def start_media(log: Callable[[int, str], None]) -> None:
    """Send libmtmd's log to `log`, see `start_backend`; otherwise it goes to standard error."""

    def forward(level: int, text: bytes, _: object) -> None:
        log(level, text.decode("utf-8", "replace"))

    callback = lib.llama_log_callback(forward)
    _kept.append(callback)
    mtmd.mtmd_helper_log_set(callback, ctypes.c_void_p(0))


class Bitmap:
    """A picture or a sound as libmtmd takes it; without data it stands for one of that size."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer

    @classmethod
    def picture(cls, width: int, height: int, pixels: bytes | None = None) -> Bitmap:
        """Copy `pixels`, RGB, 3 * width * height bytes."""
        data = _bytes(pixels) if pixels else None
        return cls(mtmd.mtmd_bitmap_init(width, height, data))

    @classmethod
    def sound(cls, length: int) -> Bitmap:
        """Stand for so many samples at the projector's rate; `Projector.sound` makes real ones."""
        return cls(mtmd.mtmd_bitmap_init_from_audio(length, None))

    @property
    def length(self) -> int:
        """Samples of a sound."""
        return int(mtmd.mtmd_bitmap_get_nx(self.pointer))

    def close(self) -> None:
        """Free the copy."""
        mtmd.mtmd_bitmap_free(self.pointer)


class Patch:
    """One chunk of a picture or sound: `count` embeddings that advance the position by
    `positions`.

    Freed with its last reference, since sequences and caches share it.
    """

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self.count: int = mtmd.mtmd_input_chunk_get_n_tokens(pointer)
        self.positions: int = mtmd.mtmd_input_chunk_get_n_pos(pointer)
        self.audible: bool = (
            mtmd.mtmd_input_chunk_get_type(pointer) == mtmd.MTMD_INPUT_CHUNK_TYPE_AUDIO
        )

    def hollow(self) -> Patch:
        """Return the same without pixels or samples: enough to decode, too little to encode."""
        return Patch(mtmd.mtmd_input_chunk_get_placeholder(self.pointer))

    def __del__(self) -> None:
        mtmd.mtmd_input_chunk_free(self.pointer)


Piece = list[int] | Patch
"""A run of text tokens, or a patch."""


class Projector:
    """A loaded mmproj file; `tokenize` may be called from any thread, `encode` from one."""

    def __init__(self, pointer: Any, width: int, micro_batch: int) -> None:
        self._p = pointer
        self._width = width
        self._micro_batch = micro_batch
        self.sees: bool = mtmd.mtmd_support_vision(pointer)
        self.hears: bool = mtmd.mtmd_support_audio(pointer)
        self.rate: int = mtmd.mtmd_get_audio_sample_rate(pointer)
        """Samples per second of the sounds it takes; -1 when it does not hear."""
        self.folds_positions: bool = mtmd.mtmd_decode_use_mrope(pointer)
        """Whether positions are multi-dimensional (M-RoPE): a patch has fewer than embeddings."""

    @classmethod
    def load(
        cls, path: str, model: Model, *, threads: int, gpu: bool, micro_batch: int
    ) -> Projector | None:
        """Read a projector for a model; None when libmtmd refuses (the log says why).
        `micro_batch`: most embeddings of one forward pass, as the context was created with.
        """
        params = mtmd.mtmd_context_params_default()
        params.n_threads = threads
        params.use_gpu = gpu
        params.print_timings = False
        params.warmup = False
        pointer = mtmd.mtmd_init_from_file(path.encode(), model.pointer, params)
        width = lib.llama_model_n_embd_inp(model.pointer)
        return cls(pointer, width, micro_batch) if pointer else None

    def sound(self, wave: bytes) -> Bitmap | None:
        """Read a RIFF WAVE file, mix and resample it to what the encoder wants; None when libmtmd
        cannot.
        """
        found = mtmd.mtmd_helper_bitmap_init_from_buf(self._p, _bytes(wave), len(wave), False)  # noqa: FBT003  C signature
        return Bitmap(found) if found else None

    def tokenize(self, parts: Sequence[str | Bitmap]) -> list[Piece] | None:
        """Return text tokens and patches in order, special tokens in the text read as such; None
        when a bitmap cannot be prepared (the log says why).
        """
        texts = [part.encode("utf-8", "replace") for part in parts if isinstance(part, str)]
        inputs = [
            mtmd.mtmd_input_text(text, len(text), False, True)  # noqa: FBT003  C struct
            for text in texts
        ]
        wrapped = iter(inputs)
        items = [
            mtmd.mtmd_input_part(ctypes.pointer(next(wrapped)), None)
            if isinstance(part, str)
            else mtmd.mtmd_input_part(None, part.pointer)
            for part in parts
        ]
        pointers = (ctypes.POINTER(mtmd.mtmd_input_part) * len(items))(
            *(ctypes.pointer(item) for item in items)
        )
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            if mtmd.mtmd_tokenize_from_parts(self._p, chunks, pointers, len(items), False):  # noqa: FBT003  C signature
                return None
            count = mtmd.mtmd_input_chunks_size(chunks)
            return [
                self._piece(mtmd.mtmd_input_chunks_get(chunks, index)) for index in range(count)
            ]
        finally:
            mtmd.mtmd_input_chunks_free(chunks)

    def encode(self, patch: Patch) -> Floats | None:
        """Run the encoder; return embeddings, shape (count, width); None when it fails."""
        if mtmd.mtmd_encode_chunk(self._p, patch.pointer):
            return None
        found = mtmd.mtmd_get_output_embd(self._p)
        return np.ctypeslib.as_array(found, (patch.count, self._width)).copy()

    def whole(self, patch: Patch) -> bool:
        """Whether its embeddings attend to each other, so that one forward pass must hold all."""
        return bool(mtmd.mtmd_decode_use_non_causal(self._p, patch.pointer))

    def decode(
        self, context: Context, patch: Patch, embeddings: Floats, position: int, slot: int
    ) -> int:
        """Decode embeddings into sequence `slot` from `position` on; status as of
        `Context.decode`, but after 1 some of them may be there. Asks for no logits.
        """
        end = lib.llama_pos(0)
        return int(
            mtmd.mtmd_helper_decode_image_chunk(
                self._p,
                context.pointer,
                patch.pointer,
                embeddings.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
                position,
                slot,
                self._micro_batch,
                ctypes.byref(end),
                mtmd.mtmd_helper_post_decode_callback(),
                None,
            )
        )

    @staticmethod
    def _piece(pointer: Any) -> Piece:
        if mtmd.mtmd_input_chunk_get_type(pointer) != mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
            return Patch(mtmd.mtmd_input_chunk_copy(pointer))
        count = ctypes.c_size_t()
        tokens = mtmd.mtmd_input_chunk_get_tokens_text(pointer, ctypes.byref(count))
        return list(tokens[: count.value])

    def close(self) -> None:
        """Free the encoder's weights; patches may outlive it."""
        mtmd.mtmd_free(self._p)


def _bytes(data: bytes) -> Any:
    """Return a C pointer to bytes that the caller keeps alive."""
    return np.frombuffer(data, np.uint8).ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
