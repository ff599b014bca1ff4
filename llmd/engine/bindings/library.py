"""The process-wide side of llama.cpp: start, log, and the types shared by all bindings."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

KV_TYPES = {"f16": lib.GGML_TYPE_F16, "q8_0": lib.GGML_TYPE_Q8_0, "q4_0": lib.GGML_TYPE_Q4_0}

FLASH_ATTENTION = {
    "auto": lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}

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
