"""Samplers that choose nothing, so that llama.cpp copies no logits.

`llama_decode` copies the logits of every output into a buffer of its own, 0.6 MB each with a
vocabulary of 152k. It does not where a *backend sampler* chooses the tokens of a sequence as part
of the graph (`needs_raw_logits` in src/llama-context.cpp). Every sequence gets one here that does
nothing but tell of each graph that is built, and the buffer that nothing is copied to is given back
to the system.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable
from typing import Any

import llama_cpp.llama_cpp as lib

_ROW_COPIES = 4
"""Values that llama.cpp has room for, for each token of a row: the logits, and the logits,
probabilities and candidates of samplers.
"""
_VALUE = 4

_Pointer = ctypes.c_void_p
_Apply = ctypes.CFUNCTYPE(None, _Pointer, _Pointer, _Pointer, _Pointer)
"""backend_apply, with addresses: making objects of them costs more than what is done with them."""


def function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a function of llama.cpp or ggml that takes addresses."""
    prototype = ctypes.CFUNCTYPE(result, *arguments)
    return prototype((name, lib._lib))  # noqa: SLF001  where llama_cpp keeps the library


tensor_of = function("ggml_graph_get_tensor", _Pointer, _Pointer, ctypes.c_char_p)
"""Address of a graph's tensor by its name; None: there is none."""
rows_of = function("ggml_nrows", ctypes.c_int64, _Pointer)
"""Rows of a tensor by its address, which must be one."""
copied_rows = function("llama_get_logits", _Pointer, _Pointer)
"""Address of the logits that a context has copied."""


class Abstaining:
    """One such sampler for each of so many sequences; `built` gets the address of each graph with
    outputs while it is built.
    """

    def __init__(self, sequences: int, built: Callable[[int], None]) -> None:
        def tell(sampler: int, context: int, graph: int, data: int) -> None:
            _choose_nothing(sampler, context, graph, data)
            built(graph)

        self._kept = _interface(tell), _interface(_choose_nothing)
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

    def leave(self, context: Any) -> None:
        """Have a context copy its logits after all."""
        for config in self._configs:
            lib.llama_set_sampler(context, config.seq_id, None)

    def give_back(self, context: Any, vocabulary: int) -> None:
        """Give back what a new context has for copies."""
        _give_back(context, size_of(len(self._configs), vocabulary))

    def close(self) -> None:
        """Free the samplers, once the context is gone."""
        for chain in self._chains:
            lib.llama_sampler_free(chain)


def size_of(rows: int, vocabulary: int) -> int:
    """Return the bytes that a context with these samplers allocates for copies of rows, and clears,
    until they are given back.
    """
    return rows * vocabulary * _ROW_COPIES * _VALUE


def can_give_back() -> bool:
    """Whether this system takes memory back that is allocated: elsewhere than on Linux it comes
    back later, with what was in it, or not at all.
    """
    return sys.platform == "linux" and hasattr(mmap, "MADV_DONTNEED")


def give_back_rows(context: Any, sequences: int, vocabulary: int) -> None:
    """Give back the memory for logits of a new context that copies them: llama.cpp clears a row for
    each sequence id, and few of them ever have one at a time.
    """
    if can_give_back():
        _give_back(context, sequences * vocabulary * _VALUE)


def _give_back(context: Any, size: int) -> None:
    """Have the system take back the first `size` bytes of the buffer that is copied to."""
    start, page = int(copied_rows(context)), mmap.PAGESIZE
    begin, end = -(-start // page) * page, (start + size) // page * page
    if end > begin:
        length, advice = ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED
        ctypes.CDLL(None).madvise(_Pointer(begin), length, advice)


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
