"""llama_state_seq: what a context remembers of one sequence, as bytes.

`partial` means the part that cannot be cut back to an earlier position, so that it makes a small
checkpoint: the cells of windowed layers, or recurrent states. Of a plain KV cache it is everything.
llama.cpp writes its own format and trusts it on the way back: bytes that did not come from a
context of the same model and shape, or were damaged since, can end the process.
"""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np

from llmd.engine.bindings.library import Bytes

_FLAGS = {False: 0, True: lib.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY}


def state_size(context: Any, sequence: int, *, partial: bool) -> int:
    """Return the bytes that `state_save` would."""
    return int(lib.llama_state_seq_get_size_ext(context, sequence, _FLAGS[partial]))


def state_save(context: Any, sequence: int, *, partial: bool) -> Bytes:
    """Return the state of a sequence, shape (bytes,)."""
    state = np.empty(state_size(context, sequence, partial=partial), np.uint8)
    room, flags = state.nbytes, _FLAGS[partial]
    count = lib.llama_state_seq_get_data_ext(context, _pointer(state), room, sequence, flags)
    return state[: int(count)]


def state_load(context: Any, sequence: int, state: Bytes, *, partial: bool) -> bool:
    """Put a state in place of what the sequence holds; False where llama.cpp refuses, which may
    leave a part of it behind.
    """
    count = lib.llama_state_seq_set_data_ext(
        context, _pointer(state), state.nbytes, sequence, _FLAGS[partial]
    )
    return int(count) == state.nbytes


def _pointer(array: Bytes) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
