from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from llmd.engine.logprobs import explain

if TYPE_CHECKING:
    from llmd.engine.loading import Opened


def test_probabilities_add_up_and_come_likeliest_first(opened: Opened) -> None:
    vocab = opened.model.vocab
    row = np.random.default_rng(1).normal(0, 2, vocab.size).astype(np.float32)
    item = explain(row, 17, vocab.size, vocab)
    assert sum(math.exp(logprob) for _, _, logprob in item.top) == pytest.approx(1.0, abs=1e-4)
    shown = [logprob for _, _, logprob in item.top]
    assert shown == sorted(shown, reverse=True)
    assert {token: logprob for token, _, logprob in item.top}[17] == pytest.approx(item.logprob)


def test_no_alternatives_are_fine(opened: Opened) -> None:
    row = np.zeros(opened.model.vocab.size, np.float32)
    assert explain(row, 3, 0, opened.model.vocab).top == []
