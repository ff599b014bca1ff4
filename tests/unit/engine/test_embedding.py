from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from llmd.engine.loading import Opened, open_model
from tests.unit.engine.conftest import load_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def minilm(embedding_model: Path) -> Iterator[Opened]:
    opened = open_model(
        load_order(embedding_model, embedding=True), lambda _: None, lambda *_: None
    )
    yield opened
    opened.embedder.close()
    opened.model.close()


def tokens(opened: Opened, text: str) -> list[int]:
    return opened.model.vocab.tokenize(text, add_special=True, parse_special=False)


def test_near_meanings_have_near_vectors(minilm: Opened) -> None:
    texts = [
        "A cat sits on the mat.",
        "A kitten rests on a rug.",
        "The stock market fell sharply today.",
    ]
    cat, kitten, market = minilm.embedder.embed([tokens(minilm, text) for text in texts])
    assert cat.shape == (384,)
    assert np.linalg.norm(cat) == pytest.approx(1.0, abs=1e-5)
    assert cat @ kitten > 0.5 > cat @ market


def test_vectors_are_the_same_alone_and_together(minilm: Opened) -> None:
    inputs = [tokens(minilm, f"sentence number {i} " * (i % 5 + 1)) for i in range(100)]
    together = minilm.embedder.embed(inputs)
    for index in (0, 37, 99):
        assert minilm.embedder.embed([inputs[index]])[0] @ together[index] > 0.999


def test_inputs_longer_than_the_usual_batch_fit(opened: Opened) -> None:
    vector = opened.embedder.embed([tokens(opened, "word " * 1500)])[0]
    assert vector.shape == (256,)


def test_a_large_request_is_cut_into_steps_in_order(minilm: Opened) -> None:
    inputs = [[1] * 200 for _ in range(9)]
    packs = minilm.embedder.packs(inputs)
    assert [len(pack) for pack in packs] == [2, 2, 2, 2, 1]
    assert [tokens for pack in packs for tokens in pack] == inputs


def test_a_pure_encoder_has_no_engine(minilm: Opened) -> None:
    assert minilm.engine is None
    assert minilm.embedder.context_length == 512
