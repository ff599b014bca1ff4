from __future__ import annotations

import numpy as np
import pytest

from llmd.engine.bindings import Pooling
from llmd.engine.pooling import pool

STATES = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 0]], np.float32)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Pooling.MEAN, [[3, 4], [8, 4]]),
        (Pooling.CLS, [[1, 2], [7, 8]]),
        (Pooling.LAST, [[5, 6], [9, 0]]),
    ],
)
def test_each_text_is_pooled_alone(kind: Pooling, expected: list[list[float]]) -> None:
    assert np.array(pool(STATES, [3, 2], kind)).tolist() == expected


def test_no_texts_give_no_vectors() -> None:
    assert pool(STATES, [], Pooling.MEAN) == []
