"""llama.cpp's sampler chain over candidate arrays."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
import numpy.typing as npt

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data."""


class SamplerChain:
    """llama.cpp's samplers in the order they were added; the last one picks."""

    def __init__(self) -> None:
        self._p = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())

    def _add(self, sampler: Any) -> None:
        lib.llama_sampler_chain_add(self._p, sampler)

    def add_logit_bias(self, vocab_size: int, biases: dict[int, float]) -> None:
        """Add a constant to the logits of some tokens."""
        array = (lib.llama_logit_bias * len(biases))(
            *(lib.llama_logit_bias(t, b) for t, b in biases.items())
        )
        self._add(lib.llama_sampler_init_logit_bias(vocab_size, len(biases), array))

    def add_penalties(
        self, vocab_size: int, last: int, repeat: float, frequency: float, presence: float
    ) -> None:
        """Penalise tokens among the `last` accepted ones."""
        self._add(lib.llama_sampler_init_penalties(vocab_size, last, repeat, frequency, presence))

    def add_truncation(self, top_k: int, typical_p: float, top_p: float, min_p: float) -> None:
        """Drop unlikely tokens; neutral values add nothing."""
        if top_k > 0:
            self._add(lib.llama_sampler_init_top_k(top_k))
        if typical_p < 1:
            self._add(lib.llama_sampler_init_typical(typical_p, 1))
        if top_p < 1:
            self._add(lib.llama_sampler_init_top_p(top_p, 1))
        if min_p > 0:
            self._add(lib.llama_sampler_init_min_p(min_p, 1))

    def add_draw(self, temperature: float, seed: int) -> None:
        """Draw from the distribution at this temperature."""
        self._add(lib.llama_sampler_init_temp(temperature))
        self._add(lib.llama_sampler_init_dist(seed))

    def add_greedy(self) -> None:
        """Pick the likeliest."""
        self._add(lib.llama_sampler_init_greedy())

    def accept(self, token: int) -> None:
        """Tell the penalties that this token is now part of the text."""
        lib.llama_sampler_accept(self._p, token)

    def pick(self, candidates: npt.NDArray[np.void]) -> int:
        """Run the chain over an array of dtype CANDIDATE (overwritten); return the chosen token."""
        data = candidates.ctypes.data_as(lib.llama_token_data_p)
        array = lib.llama_token_data_array(data, len(candidates), -1, False)  # noqa: FBT003  C struct
        lib.llama_sampler_apply(self._p, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def close(self) -> None:
        """Free the samplers."""
        lib.llama_sampler_free(self._p)
