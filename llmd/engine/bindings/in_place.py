"""Logits where llama.cpp computed them.

`llama_decode` copies the logits of every output into a buffer of its own, 0.6 MB each with a
vocabulary of 152k: a quarter of a step with 16 answers of a small model. It does not where a
*backend sampler* chooses the tokens of a sequence as part of the graph (`needs_raw_logits` in
src/llama-context.cpp), so every sequence gets one here that chooses nothing, and the rows are read
out of the graph's result, which stays as it is until the next call. The buffer that nothing is
copied to is given back to the system.

Only for memory that the CPU can read, and for caches that take a micro batch as it is: where
llama.cpp cuts one in two, the result of the first part is gone.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable
from typing import Any

import llama_cpp.llama_cpp as lib
import psutil

_RESULT = b"result_output"
_ROW_COPIES = 4
"""Values that llama.cpp has room for, for each token of a row: the logits, and the logits,
probabilities and candidates of samplers.
"""
_VALUE = 4
_SHARE = 16
"""The part of the free memory that the buffer may take for the moment until it is given back."""

_Pointer = ctypes.c_void_p


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a function of llama.cpp or ggml that takes addresses."""
    prototype = ctypes.CFUNCTYPE(result, *arguments)
    return prototype((name, lib._lib))  # noqa: SLF001  where llama_cpp keeps the library


_Apply = ctypes.CFUNCTYPE(None, _Pointer, _Pointer, _Pointer, _Pointer)
"""backend_apply, with addresses: making objects of them costs more than what is done with them."""

_tensor_of = _function("ggml_graph_get_tensor", _Pointer, _Pointer, ctypes.c_char_p)
_rows_of = _function("ggml_nrows", ctypes.c_int64, _Pointer)
_data_of = _function("ggml_get_data", _Pointer, _Pointer)
_wait_for = _function("llama_synchronize", None, _Pointer)
_copied_rows = _function("llama_get_logits", _Pointer, _Pointer)


class InPlaceLogits:
    """Samplers that choose nothing, one for each of so many sequences, and the result of the latest
    graph of the context that has them.
    """

    def __init__(self, sequences: int) -> None:
        self._tensor = 0
        self._kept = _interface(self._find), _interface(_choose_nothing)
        """llama.cpp has nothing but their addresses."""
        self._chains: list[Any] = []
        self._configs = (lib.llama_sampler_seq_config * sequences)()
        for sequence, config in enumerate(self._configs):
            chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
            # a graph asks all of them while it is built, in the order of the sequences
            interface, _ = self._kept[sequence > 0]
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init(interface, None))
            config.seq_id, config.sampler = sequence, ctypes.cast(chain, _Pointer)
            self._chains.append(chain)

    def enter(self, params: Any) -> None:
        """Put the samplers into the parameters of a context that is to be made."""
        params.samplers, params.n_samplers = self._configs, len(self._configs)
        params.n_outputs_max_per_seq = 0  # as many as the context has

    def settle(self, context: Any, vocabulary: int) -> bool:
        """Give back what the new context does not need; False, and the context without samplers,
        where its graphs have no result that can be found.
        """
        if not self._tensor:
            for config in self._configs:
                lib.llama_set_sampler(context, config.seq_id, None)
            return False
        _give_back(context, _size(len(self._configs), vocabulary, _ROW_COPIES))
        return True

    def address(self, context: Any, rows: int) -> int:
        """Return where the rows of the latest call lie; raise BufferError where there are not so
        many.
        """
        _wait_for(context)
        if _rows_of(self._tensor) < rows:
            raise BufferError("llama.cpp did not compute all rows at once")
        return int(_data_of(self._tensor))

    def close(self) -> None:
        """Free the samplers, once the context is gone."""
        for chain in self._chains:
            lib.llama_sampler_free(chain)

    def _find(self, sampler: int, context: int, graph: int, data: int) -> None:
        """Note the result of a graph that is being built, unless it is one without outputs."""
        _choose_nothing(sampler, context, graph, data)
        tensor = _tensor_of(graph, _RESULT)
        if tensor and _rows_of(tensor):
            self._tensor = tensor


def can_read_in_place(sequences: int, vocabulary: int) -> bool:
    """Whether this system can give memory back, and has what it takes until then."""
    most = psutil.virtual_memory().available // _SHARE
    return _dont_need() is not None and _size(sequences, vocabulary, _ROW_COPIES) <= most


def give_back_rows(context: Any, sequences: int, vocabulary: int) -> None:
    """Give back the memory for logits of a new context that copies them: llama.cpp clears a row for
    each sequence id, and few of them ever have one at a time.
    """
    if _dont_need() is not None:
        _give_back(context, _size(sequences, vocabulary, 1))


def _give_back(context: Any, size: int) -> None:
    """Have the system take back the first `size` bytes of the buffer that is copied to."""
    start, page = int(_copied_rows(context)), mmap.PAGESIZE
    begin, end = -(-start // page) * page, (start + size) // page * page
    if end > begin:
        ctypes.CDLL(None).madvise(_Pointer(begin), ctypes.c_size_t(end - begin), _dont_need())


def _size(rows: int, vocabulary: int, copies: int) -> int:
    return rows * vocabulary * copies * _VALUE


def _dont_need() -> int | None:
    # elsewhere than on Linux memory comes back later, with what was in it, or not at all
    return getattr(mmap, "MADV_DONTNEED", None) if sys.platform == "linux" else None


def _choose_nothing(sampler: int, context: int, graph: int, data: int) -> None:
    """Leave no tensor in a llama_sampler_data that llama.cpp would compute, or copy."""
    del sampler, context, graph
    _Pointer.from_address(data).value = None


def _interface(apply: Callable[[int, int, int, int], None]) -> Any:
    """Return a llama_sampler_i, and what must live as long."""
    called = _Apply(apply)
    interface = lib.llama_sampler_i()
    interface.name = lib.llama_sampler_i_name(lambda _: b"none")
    interface.apply = lib.llama_sampler_i_apply(lambda *_: None)
    interface.backend_init = lib.llama_sampler_i_backend_init(lambda *_: True)
    interface.backend_apply = ctypes.cast(called, lib.llama_sampler_i_backend_apply)
    return interface, called
