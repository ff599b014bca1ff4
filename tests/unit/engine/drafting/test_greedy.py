from __future__ import annotations

import numpy as np

from llmd.engine.drafting.greedy import likeliest


def logits(*shares: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.log(np.array(shares, np.float32))


def test_the_likeliest_token_is_taken_while_it_is_likely() -> None:
    assert likeliest(logits(0.1, 0.5, 0.4)) == 1
    assert likeliest(logits(0.1, 0.41, 0.39, 0.1)) == 1
    assert likeliest(logits(0.1, 0.39, 0.38, 0.13)) is None


def test_many_unlikely_tokens_count_together() -> None:
    row = np.zeros(1000, np.float32)
    row[7] = 3.0
    assert likeliest(row) is None
    row[7] = 12.0
    assert likeliest(row) == 7


def test_the_row_stays_as_it_was() -> None:
    row = logits(0.2, 0.8)
    before = row.copy()
    likeliest(row)
    assert (row == before).all()
