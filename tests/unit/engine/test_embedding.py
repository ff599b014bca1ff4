from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from llmd.engine.embedding import Embedder
from llmd.engine.loading import Opened, open_model
from llmd.errors import InvalidRequest
from llmd.protocol.models import AdapterFile
from llmd.protocol.questions import Pooling
from tests.fakes.random_adapter import write_adapter
from tests.fakes.rerankers import head, write_decoder, write_encoder
from tests.unit.engine.conftest import load_order


def opened_as(path: Path, **changes: object) -> Opened:
    order = load_order(path, embedding=True, **changes)
    return open_model(order, lambda _: None, lambda *_: None)


def close(opened: Opened) -> None:
    opened.embedder.close()
    opened.adapters.close()
    opened.model.close()


@pytest.fixture(scope="module")
def minilm(embedding_model: Path) -> Iterator[Opened]:
    opened = opened_as(embedding_model)
    yield opened
    close(opened)


@pytest.fixture(scope="module")
def chat_model(tiny_model: Path) -> Iterator[Opened]:
    opened = opened_as(tiny_model)
    yield opened
    close(opened)


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
    together = [
        vector for at in range(0, 100, 50) for vector in minilm.embedder.embed(inputs[at : at + 50])
    ]
    for index in (0, 37, 99):
        assert minilm.embedder.embed([inputs[index]])[0] @ together[index] > 0.999


def test_cosines_are_the_published_ones(minilm: Opened) -> None:
    # the example of the Sentence Transformers quickstart, with the unquantised model
    texts = [
        "The weather is lovely today.",
        "It's so sunny outside!",
        "He drove to the stadium.",
    ]
    weather, sunny, stadium = minilm.embedder.embed([tokens(minilm, text) for text in texts])
    assert weather @ sunny == pytest.approx(0.6660, abs=0.03)
    assert weather @ stadium == pytest.approx(0.1046, abs=0.03)
    assert sunny @ stadium == pytest.approx(0.1411, abs=0.03)


def test_the_pooling_can_be_chosen(minilm: Opened) -> None:
    text = tokens(minilm, "A cat sits on the mat.")
    usual, mean, first, last = (
        minilm.embedder.embed([text], minilm.embedder.settle(wish))[0]
        for wish in (Pooling.MODEL, Pooling.MEAN, Pooling.CLS, Pooling.LAST)
    )
    assert usual @ mean == pytest.approx(1, abs=1e-5)
    assert first @ mean < 0.999
    assert last @ first < 0.999
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vector in (first, last))


def test_a_model_without_a_head_cannot_rank(minilm: Opened) -> None:
    with pytest.raises(InvalidRequest, match="cannot rank"):
        minilm.embedder.settle(Pooling.RANK)


def test_inputs_longer_than_the_usual_call_fit(chat_model: Opened) -> None:
    vector = chat_model.embedder.embed([tokens(chat_model, "word " * 1500)])[0]
    assert vector.shape == (256,)
    again = chat_model.embedder.embed([tokens(chat_model, "word")])[0]
    assert np.linalg.norm(again) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("wish", [Pooling.MODEL, Pooling.MEAN, Pooling.CLS, Pooling.LAST])
def test_models_that_could_generate_give_the_same_vectors_without_logits(
    chat_model: Opened, wish: Pooling
) -> None:
    embedder = Embedder(chat_model.model, 2048, 2)
    embedder._headless = False
    inputs = [tokens(chat_model, f"text number {i} " * (1 + 40 * i)) for i in range(4)]
    kind = embedder.settle(wish)
    expected, found = embedder.embed(inputs, kind), chat_model.embedder.embed(inputs, kind)
    assert not embedder.is_headless
    assert chat_model.embedder.is_headless
    assert chat_model.embedder.yet_to_come == 0 < embedder.yet_to_come
    assert min(a @ b for a, b in zip(expected, found, strict=True)) > 0.999
    embedder.close()


def test_each_state_of_a_recurrent_model_is_one_too_many(recurrent_model: Path) -> None:
    opened = opened_as(recurrent_model)
    [vector] = opened.embedder.embed([[5, 6, 7]])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert not opened.embedder.is_headless
    close(opened)


def test_encoders_and_rerankers_run_to_their_end(minilm: Opened, tmp_path: Path) -> None:
    minilm.embedder.embed([tokens(minilm, "text")])
    assert not minilm.embedder.is_headless
    opened = opened_as(write_decoder(tmp_path / "r.gguf"))
    opened.embedder.embed([[5, 6, 7]], opened.embedder.settle(Pooling.RANK))
    assert not opened.embedder.is_headless
    close(opened)


def test_scores_are_what_the_head_makes_of_the_first_token(
    embedding_model: Path, tmp_path: Path
) -> None:
    opened = opened_as(write_encoder(tmp_path / "r.gguf", embedding_model, labels=2))
    embedder = opened.embedder
    assert embedder.ranks
    assert not embedder.gives_probabilities
    text = tokens(opened, "A cat sits on the mat.")
    [scores] = embedder.embed([text], embedder.settle(Pooling.RANK))
    [state] = embedder.embed([text], embedder.settle(Pooling.CLS))
    expected = head(gguf.GGUFReader(embedding_model), 2) @ state
    # the state is normalised, the scores are not: their ratio is the same
    assert scores[0] / scores[1] == pytest.approx(expected[0] / expected[1], rel=0.02)
    with pytest.raises(InvalidRequest, match="ranks"):
        embedder.settle(Pooling.MODEL)
    close(opened)


def test_a_reranker_of_yes_and_no_gives_a_probability(tmp_path: Path) -> None:
    opened = opened_as(write_decoder(tmp_path / "r.gguf"))
    embedder = opened.embedder
    assert embedder.gives_probabilities
    inputs = [[5, 6, 7], [9, 9], [100, 200, 300, 400]]
    found = embedder.embed(inputs, embedder.settle(Pooling.RANK))
    assert [float(sum(scores)) for scores in found] == pytest.approx([1, 1, 1])
    assert len({float(scores[0]) for scores in found}) == 3
    alone = embedder.embed(inputs[2:], embedder.settle(Pooling.RANK))[0]
    assert alone == pytest.approx(found[2], abs=1e-3)
    close(opened)


def test_a_model_can_be_registered_with_its_pooling(embedding_model: Path) -> None:
    opened = opened_as(embedding_model, pooling=Pooling.CLS)
    text = tokens(opened, "A cat sits on the mat.")
    [usual] = opened.embedder.embed([text], opened.embedder.settle(Pooling.MODEL))
    [first] = opened.embedder.embed([text], opened.embedder.settle(Pooling.CLS))
    assert np.array_equal(usual, first)
    close(opened)


def test_default_adapters_shape_vectors(tiny_model: Path, tmp_path: Path) -> None:
    path = str(write_adapter(tmp_path / "a.gguf", tiny_model))
    vectors = []
    for default in (False, True):
        file = AdapterFile("a", path, default=default)
        opened = opened_as(tiny_model, adapters=[file])
        vectors.append(opened.embedder.embed([tokens(opened, "Paris is a city")])[0])
        close(opened)
    assert vectors[0] @ vectors[1] < 0.999


def test_a_pure_encoder_has_no_engine(minilm: Opened) -> None:
    assert minilm.engine is None
    assert minilm.embedder.context_length == 512
