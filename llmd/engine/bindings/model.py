"""The weights of one GGUF file."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llama_cpp.llama_cpp as lib

from llmd.engine.bindings.vocab import Vocab


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
        self.labels: int = lib.llama_model_n_cls_out(pointer)
        """Outputs of the classification head; 1 without one."""
        self.swa_window: int = lib.llama_model_n_swa(pointer)
        """Tokens that windowed layers look back; 0: there are none."""
        self.is_recurrent: bool = lib.llama_model_is_recurrent(pointer)
        """Whether some layers keep a state instead of a KV cache; so do those of hybrid ones."""
        self.is_hybrid: bool = lib.llama_model_is_hybrid(pointer)

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
    ) -> Model | None:
        """Read the weights; None when llama.cpp refuses (the log says why). `progress` gets shares
        from 0 to 1; `prediction`: those of prediction layers too.
        """

        def report(share: float, _: object) -> bool:
            progress(share)
            return True

        params = lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layers if gpu_layers >= 0 else 10_000
        params.load_mtp = prediction
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
