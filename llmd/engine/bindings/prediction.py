"""Hidden states in and out of contexts, for layers that predict further tokens (MTP, "nextn").

llama.cpp keeps these functions out of its public header (src/llama-ext.h), and llama-cpp-python
finds them by their C++ names, which a build for another compiler may lack: `AVAILABLE` says whether
they are there.
"""

from __future__ import annotations

import ctypes

import llama_cpp.llama_cpp as lib
import numpy as np

from llmd.engine.bindings.batch import Batch
from llmd.engine.bindings.context import Context
from llmd.engine.bindings.library import Floats

try:
    from llama_cpp import llama_cpp_ext as ext

    AVAILABLE = True
    """Whether this build of llama.cpp can run prediction layers."""
except AttributeError:  # pragma: no cover  another compiler
    AVAILABLE = False


class HiddenBatch(Batch):
    """A batch of tokens that each come with a hidden state: `hidden`, shape (capacity, width)."""

    def __init__(self, capacity: int, width: int) -> None:
        super().__init__(capacity)
        self.hidden = np.zeros((capacity, width), np.float32)
        self.c.embd = self.hidden.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def show_hidden(context: Context, *, outputs_only: bool) -> None:
    """Have each decode call keep the hidden states of its rows, or of its outputs only."""
    ext.llama_set_embeddings_nextn(context.pointer, True, outputs_only)  # noqa: FBT003  C signature


def hidden(context: Context, rows: int) -> Floats:
    """Return a view of the hidden states of the last call, shape (rows, width): of all rows in the
    order of the batch, or of the outputs.
    """
    width = lib.llama_model_n_embd_out(lib.llama_get_model(context.pointer))
    return np.ctypeslib.as_array(ext.llama_get_embeddings_nextn(context.pointer), (rows, width))
