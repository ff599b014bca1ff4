from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.adapters import Adapters
from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.engine.scoring import CHUNK, Scorer, Scoring
from llmd.protocol.models import AdapterFile
from llmd.protocol.requests import Adapter
from tests.fakes.random_adapter import write_adapter


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Model]:
    bindings.start_backend(lambda *_: None)
    model = Model.load(str(tiny_model), gpu_layers=0, progress=lambda _: None)
    assert model
    yield model
    model.close()


def scorer(model: Model, *files: AdapterFile) -> tuple[Scorer, Adapters]:
    adapters = Adapters(model, files)
    return Scorer(model, adapters, 1, "f16"), adapters


def run(scorer: Scorer, scoring: Scoring) -> Scoring:
    while not scoring.done:
        scorer.advance(scoring)
    scorer.release(scoring)
    return scoring


def text(model: Model, words: int) -> list[int]:
    return model.vocab.tokenize(
        "The capital of France is " * words, add_special=True, parse_special=True
    )


def test_each_token_is_judged_by_what_stands_before_it(model: Model) -> None:
    tokens = text(model, 20)
    assert len(tokens) > CHUNK
    explained = run(scorer(model)[0], Scoring(tokens, 2)).explained
    assert [item.token for item in explained] == tokens[1:]
    shape = ContextShape(tokens=512, sequences=1, batch=512, micro_batch=512, threads=1)
    context = Context.create(model, shape)
    assert context
    batch = Batch(512)
    end = batch.fill(0, tokens, 0, 0)
    batch.outputs[:end] = 1
    assert context.decode(batch, end) == 0
    rows = context.logits(end).astype(np.float64)
    context.close()
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    expected = [rows[place, token] for place, token in enumerate(tokens[1:])]
    # other chunks, other rounding; a token judged at the wrong place is off by several
    found = [item.logprob for item in explained]
    assert found == pytest.approx(expected, abs=0.3)
    assert np.mean(np.abs(np.subtract(found, expected))) < 0.02
    assert all(item.top[0][2] >= item.top[1][2] for item in explained)


def test_one_token_has_nothing_to_judge(model: Model) -> None:
    scoring = Scoring([5], 0)
    assert scoring.done
    assert run(scorer(model)[0], scoring).explained == []


def test_the_context_goes_with_the_text_even_when_it_is_given_up(model: Model) -> None:
    made, _ = scorer(model)
    scoring = Scoring(text(model, 40), 0)
    made.advance(scoring)
    assert scoring.context
    assert not scoring.done
    made.release(scoring)
    assert scoring.context is None
    made.release(scoring)


def test_adapters_count(model: Model, tiny_model: Path, tmp_path: Path) -> None:
    file = AdapterFile("a", str(write_adapter(tmp_path / "a.gguf", tiny_model)))
    made, adapters = scorer(model, file)
    tokens = text(model, 2)
    plain = run(made, Scoring(tokens, 0)).explained
    key = adapters.resolve([Adapter("a", 1.0)])
    changed = run(made, Scoring(tokens, 0, key)).explained
    assert [item.logprob for item in changed] != [item.logprob for item in plain]
    adapters.close()
