"""The weights of one GGUF file."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llama_cpp.llama_cpp as lib

from llmd.engine.bindings.devices import cpu_buffers
from llmd.engine.bindings.vocab import Vocab

_EXPERTS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
"""What llama.cpp's own --cpu-moe takes for tensors of experts (common/common.h)."""


class _Override(ctypes.Structure):
    """llama_model_tensor_buft_override, which llama-cpp-python leaves out."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p))


@dataclass(frozen=True, slots=True)
class Place:
    """Where weights go besides the layers that are offloaded, and how they get there."""

    tensor_split: Sequence[float] = ()
    """Share of each GPU; empty: by what is free."""
    cpu_moe: int = 0
    """Layers, counted from the first, whose experts stay on the CPU."""
    mmap: bool = True
    mlock: bool = False


class Model:
    """The weights of one GGUF file."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self._borrowed: list[Any] = []
        """What llama.cpp was given pointers to."""
        self.vocab = Vocab(lib.llama_model_get_vocab(pointer))
        self.size: int = lib.llama_model_size(pointer)
        self.trained_context: int = lib.llama_model_n_ctx_train(pointer)
        self.layers: int = lib.llama_model_n_layer(pointer)
        self.width: int = lib.llama_model_n_embd_out(pointer)
        self.has_decoder: bool = lib.llama_model_has_decoder(pointer)
        self.labels: int = lib.llama_model_n_cls_out(pointer)
        """Outputs of the classification head; 1 without one."""
        self.swa_window: int = lib.llama_model_n_swa(pointer)
        """Tokens that windowed layers look back; 0: there are none."""
        self.is_recurrent: bool = lib.llama_model_is_recurrent(pointer)
        """Whether some layers keep a state instead of a KV cache; so do those of hybrid ones."""
        self.is_hybrid: bool = lib.llama_model_is_hybrid(pointer)
        self.has_plain_cache = not (self.swa_window or self.is_recurrent or self.is_hybrid)
        """Whether all layers keep cells for all tokens."""

        self.prediction_layers: int = lib.llama_model_n_layer_nextn(pointer)
        """Layers that predict further tokens (multi-token prediction), loaded or not."""

    @classmethod
    def load(
        cls,
        path: str,
        *,
        gpu_layers: int,
        progress: Callable[[float], None],
        prediction: bool = False,
        place: Place = Place(),
    ) -> Model | None:
        """Read the weights; None when llama.cpp refuses (the log says why). `progress` gets shares
        from 0 to 1; `prediction`: those of prediction layers too. With 0 `gpu_layers` (negative:
        all) GPUs are left alone.
        """

        def report(share: float, _: object) -> bool:
            progress(share)
            return True

        params = lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layers if gpu_layers >= 0 else 10_000
        params.load_mtp = prediction
        params.load_mode = _LOAD_MODES[place.mmap, place.mlock]
        held = _placed(params, place)
        if not gpu_layers:
            held.append(nobody := (ctypes.c_void_p * 1)())
            params.devices = ctypes.cast(nobody, ctypes.c_void_p)
        params.progress_callback = lib.llama_progress_callback(report)
        pointer = lib.llama_model_load_from_file(path.encode(), params)
        if not pointer:
            return None
        model = cls(pointer)
        model._borrowed = held
        return model

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

    def chat_template(self, name: str | None = None) -> str | None:
        """Return the Jinja source stored in the file; models may hold several, by name."""
        found = lib.llama_model_chat_template(self.pointer, name.encode() if name else None)
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


_LOAD_MODES = {
    (False, False): lib.LLAMA_LOAD_MODE_NONE,
    (True, False): lib.LLAMA_LOAD_MODE_MMAP,
    (False, True): lib.LLAMA_LOAD_MODE_MLOCK,
    (True, True): lib.LLAMA_LOAD_MODE_MMAP_MLOCK,
}
"""Whether weights are mapped, whether they are locked."""


def _placed(params: Any, place: Place) -> list[Any]:
    """Set where weights go and return what must outlive the loading."""
    held: list[Any] = []
    if place.tensor_split:
        shares = (ctypes.c_float * lib.llama_max_devices())()
        given = list(place.tensor_split)[: len(shares)]
        shares[: len(given)] = given
        params.tensor_split = shares
        held.append(shares)
    if place.cpu_moe:
        patterns = [f"^blk\\.{layer}{_EXPERTS}".encode() for layer in range(place.cpu_moe)]
        # the last one stays empty and ends the list
        overrides = (_Override * (len(patterns) + 1))(
            *(_Override(pattern, cpu_buffers()) for pattern in patterns)
        )
        params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        held += [overrides, patterns]
    return held
