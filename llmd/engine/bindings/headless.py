"""Graphs that end with the hidden states, for embeddings.

llama.cpp computes the logits of all tokens of an embedding, and copies them, though nobody asks for
them: a quarter of the time for a model of 0.6B with a vocabulary of 152k, and 1.2 MB a token. Here
computing ends before the output layer, by the callback that may look at each tensor of a graph and
stop there (`cb_eval`, see ggml_backend_sched_eval_callback), and nothing is copied (see
llmd.engine.bindings.abstaining). What comes later in the graph, pooling included, is not computed
either: the context must be one without pooling.
"""

from __future__ import annotations

from typing import Any

import llama_cpp.llama_cpp as lib

from llmd.engine.bindings.abstaining import Abstaining, tensor_of

_STATES, _LOGITS = b"result_embd_pooled", b"result_output"


class Headless:
    """Ends the graphs of a context with so many sequences."""

    def __init__(self, sequences: int) -> None:
        self._states = 0
        self._abstaining = Abstaining(sequences, self._find)
        self._callback = lib.ggml_backend_sched_eval_callback(self._stop)

    def enter(self, params: Any) -> None:
        """Prepare the parameters of the context that is to be made."""
        self._abstaining.enter(params)
        params.cb_eval = self._callback

    def settle(self, context: Any, vocabulary: int) -> bool:
        """Give back what the new context does not need; False where its graphs are not as they must
        be: the context is of no use then.
        """
        if not self._states or lib.llama_get_memory(context) is None:
            self._abstaining.leave(context)
            return False
        self._abstaining.give_back(context, vocabulary)
        return True

    def close(self) -> None:
        """Free what the context, which is gone, had."""
        self._abstaining.close()

    def _find(self, graph: int) -> None:
        states, logits = tensor_of(graph, _STATES), tensor_of(graph, _LOGITS)
        self._states = states if states and logits else 0

    def _stop(self, tensor: int, asking: bool, _: object) -> bool:  # noqa: FBT001  C signature
        """Ask to see the hidden states, and go no further from there."""
        return asking and tensor == self._states
