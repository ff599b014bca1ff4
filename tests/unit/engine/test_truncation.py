from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.truncation import Probabilities, best

SIZES = [1, 7, 63, 64, 65, 1000, 4096, 4100]


def row(size: int, seed: int, spread: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, size).astype(np.float32)


@given(st.sampled_from(SIZES), st.integers(1, 100), st.integers(0, 1000))
def test_the_best_are_all_kept(size: int, count: int, seed: int) -> None:
    logits = row(size, seed)
    kept = best(logits, count)
    wanted = np.argsort(-logits)[:count]
    assert set(wanted.tolist()) <= set(kept.tolist())


@pytest.mark.parametrize("count", [1, 3, 40])
def test_forbidden_tokens_are_never_kept(count: int) -> None:
    logits = np.full(4100, -np.inf, np.float32)
    logits[[5, 4099]] = [1.0, 2.0]
    assert best(logits, count).tolist() == [5, 4099] or count == 1
    assert set(best(logits, count).tolist()) <= {5, 4099}


@given(st.sampled_from(SIZES), st.integers(0, 1000), st.floats(0.01, 0.999), st.floats(0.1, 10.0))
def test_the_nucleus_is_that_of_the_sorted_distribution(
    size: int, seed: int, top_p: float, spread: float
) -> None:
    logits = row(size, seed, spread)
    chances = np.exp(logits.astype(np.float64) - logits.max())
    chances /= chances.sum()
    order = np.argsort(-chances, kind="stable")
    count = int(np.searchsorted(np.cumsum(chances[order]), top_p)) + 1
    found = Probabilities(size).nucleus(logits, top_p)
    # rounding may move the edge by a token
    assert abs(len(found) - count) <= max(1, size // 500)
    assert set(found[: count - max(1, size // 500)].tolist()) <= set(order[: count + 8].tolist())
    assert chances[found].sum() >= top_p - 1e-3


def test_a_nucleus_follows_rows_of_any_width() -> None:
    probabilities = Probabilities(4096)
    for seed, spread in enumerate([0.1, 8.0, 0.1, 20.0, 1.0]):
        logits = row(4096, seed, spread)
        assert len(probabilities.nucleus(logits, 0.9)) == pytest.approx(
            len(Probabilities(4096).nucleus(logits, 0.9))
        )


@given(st.sampled_from(SIZES), st.integers(0, 50), st.floats(0, 1, exclude_max=True))
def test_a_draw_is_a_token_that_may_come(size: int, seed: int, fraction: float) -> None:
    logits = row(size, seed)
    logits[::2] = -np.inf
    if np.isfinite(logits).any():
        token = Probabilities(size).draw(logits, 0.7, fraction)
        assert np.isfinite(logits[token])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_distribution(temperature: float) -> None:
    logits = row(200, 3, 2.0)
    chances = np.exp(logits / temperature)
    chances /= chances.sum()
    probabilities = Probabilities(200)
    fractions = (np.arange(20_000) + 0.5) / 20_000
    drawn = [probabilities.draw(logits, temperature, float(at)) for at in fractions]
    counted = np.bincount(drawn, minlength=200) / len(drawn)
    np.testing.assert_allclose(counted, chances, atol=2e-4)
