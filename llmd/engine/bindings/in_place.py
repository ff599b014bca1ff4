"""Logits where llama.cpp computed them.

Copying them takes a quarter of a step with 16 answers of a small model. Here nothing is copied (see
llmd.engine.bindings.abstaining), and rows are read out of the graph's result, which stays as it is
until the next call. Only for memory that the CPU can read, and for caches that take a micro batch
as it is: where llama.cpp cuts one in two, the result of the first part is gone.
"""

from __future__ import annotations

import ctypes
from typing import Any

import psutil

from llmd.engine.bindings.abstaining import (
    Abstaining,
    can_give_back,
    function,
    rows_of,
    size_of,
    tensor_of,
)

_RESULT = b"result_output"
_SHARE = 16
"""The part of the free memory that room for copies may take for the moment until it is given
back.
"""

_data_of = function("ggml_get_data", ctypes.c_void_p, ctypes.c_void_p)
_wait_for = function("llama_synchronize", None, ctypes.c_void_p)


class InPlaceLogits:
    """The result of the latest graph of a context with so many sequences."""

    def __init__(self, sequences: int) -> None:
        self._tensor = 0
        self._abstaining = Abstaining(sequences, self._find)

    def enter(self, params: Any) -> None:
        """Prepare the parameters of the context that is to be made."""
        self._abstaining.enter(params)

    def settle(self, context: Any, vocabulary: int) -> bool:
        """Give back what the new context does not need; False, and the context one that copies,
        where its graphs have no result that can be found.
        """
        if self._tensor:
            self._abstaining.give_back(context, vocabulary)
        else:
            self._abstaining.leave(context)
        return bool(self._tensor)

    def address(self, context: Any, rows: int) -> int:
        """Return where the rows of the latest call lie; raise BufferError where there are not so
        many.
        """
        _wait_for(context)
        if rows_of(self._tensor) < rows:
            raise BufferError("llama.cpp did not compute all rows at once")
        return int(_data_of(self._tensor))

    def close(self) -> None:
        """Free what the context, which is gone, had."""
        self._abstaining.close()

    def _find(self, graph: int) -> None:
        """Note the result of a graph that is being built, unless it is one without outputs."""
        tensor = tensor_of(graph, _RESULT)
        if tensor and rows_of(tensor):
            self._tensor = tensor


def can_read_in_place(sequences: int, vocabulary: int) -> bool:
    """Whether this system can give memory back, and has what it takes until then."""
    most = psutil.virtual_memory().available // _SHARE
    return can_give_back() and size_of(sequences, vocabulary) <= most
