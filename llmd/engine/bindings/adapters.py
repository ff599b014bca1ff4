"""LoRA adapters: small files that change what a model's weights do."""

from __future__ import annotations

from typing import Any

import llama_cpp.llama_cpp as lib

from llmd.engine.bindings.model import Model


class Adapter:
    """The weights of one LoRA file; valid as long as its model is."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer

    @classmethod
    def load(cls, model: Model, path: str) -> Adapter | None:
        """Read a file; None when llama.cpp refuses it (the log says why)."""
        pointer = lib.llama_adapter_lora_init(model.pointer, path.encode())
        return cls(pointer) if pointer else None

    @property
    def invocation_tokens(self) -> int:
        """Tokens that switch it on; 0: it is always on, as an ordinary LoRA is."""
        return int(lib.llama_adapter_get_alora_n_invocation_tokens(self.pointer))

    def close(self) -> None:
        """Free the weights; no context may use them any more."""
        lib.llama_adapter_lora_free(self.pointer)
