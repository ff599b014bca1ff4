"""llama.cpp's samplers over candidate arrays."""

from __future__ import annotations

import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.bindings import SamplerChain


def candidates(logits: dict[int, float]) -> np.ndarray:
    array = np.zeros(len(logits), bindings.CANDIDATE)
    array["id"] = list(logits)
    array["logit"] = list(logits.values())
    return array


def test_sampler_chain_greedy_bias_and_penalties() -> None:
    chain = SamplerChain()
    chain.add_logit_bias(100, {3: 5.0})
    chain.add_penalties(100, 8, 1.0, 0.0, 10.0)
    chain.add_greedy()
    assert chain.pick(candidates({1: 4.0, 2: 3.0, 3: 0.0})) == 3
    chain.accept(3)
    assert chain.pick(candidates({1: 4.0, 2: 3.0, 3: 0.0})) == 1
    chain.close()


@pytest.mark.parametrize(
    "wish", [(1, 1.0, 1.0, 0.0), (0, 1.0, 0.1, 0.0), (0, 1.0, 1.0, 0.9), (0, 0.1, 1.0, 0.0)]
)
def test_sampler_chain_truncation(wish: tuple[int, float, float, float]) -> None:
    chain = SamplerChain()
    chain.add_truncation(*wish)
    chain.add_draw(1.0, 7)
    assert {chain.pick(candidates({1: 0.0, 2: 6.0, 3: 0.5})) for _ in range(50)} == {2}
    chain.close()
