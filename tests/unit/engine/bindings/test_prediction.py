"""Hidden states and prediction layers through the bindings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.engine.bindings.prediction import AVAILABLE, HiddenBatch, hidden, show_hidden
from tests.fakes.random_prediction import WIDTH, write_random_prediction

SHAPE = ContextShape(tokens=256, sequences=2, batch=32, micro_batch=32, threads=1, outputs=4)
TOKENS = [5, 6, 7, 8]


@pytest.fixture(scope="module")
def predicting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = write_random_prediction(tmp_path_factory.mktemp("models") / "m.gguf", "faithful")
    bindings.start_backend(lambda *_: None)
    model = Model.load(str(path), gpu_layers=0, progress=lambda _: None, prediction=True)
    assert model
    yield model
    model.close()


@pytest.fixture
def target(predicting: Model) -> Iterator[Context]:
    context = Context.create(predicting, SHAPE)
    assert context
    yield context
    context.close()


def test_this_build_has_what_is_needed() -> None:
    assert AVAILABLE


def test_models_say_how_many_layers_predict(predicting: Model, tiny_model: Path) -> None:
    assert predicting.prediction_layers == 1  # llama_model_n_layer_nextn
    plain = Model.load(str(tiny_model), gpu_layers=0, progress=lambda _: None, prediction=True)
    assert plain
    assert plain.prediction_layers == 0
    assert Context.create(plain, SHAPE, predicting=None)
    plain.close()


def test_every_row_of_a_call_has_a_hidden_state(target: Context) -> None:
    show_hidden(target, outputs_only=False)
    batch = Batch(32)
    end = batch.fill(0, TOKENS, 0, 0)
    batch.outputs[end - 1] = 1
    assert target.decode(batch, end) == 0
    states = hidden(target, end).copy()
    assert states.shape == (4, WIDTH)
    assert np.abs(states).sum(axis=1).min() > 1
    # the model's blocks add nothing, so the state of a token is the same wherever it stands
    end = batch.fill(0, [7], 4, 0)
    assert target.decode(batch, end) == 0
    np.testing.assert_allclose(hidden(target, 1)[0], states[2], atol=1e-5)


def test_the_layer_runs_on_tokens_and_hidden_states(predicting: Model, target: Context) -> None:
    show_hidden(target, outputs_only=False)
    layer = Context.create(predicting, SHAPE, predicting=target)
    assert layer
    show_hidden(layer, outputs_only=True)
    batch = Batch(32)
    end = batch.fill(0, TOKENS, 0, 0)
    batch.outputs[:end] = 1
    assert target.decode(batch, end) == 0
    said = target.logits(end).argmax(axis=1)
    pairs = HiddenBatch(32, WIDTH)
    pairs.hidden[:3] = hidden(target, end)[:3]
    end = pairs.fill(0, TOKENS[1:], 1, 0)
    pairs.outputs[end - 1] = 1
    assert layer.decode(pairs, end) == 0
    assert int(layer.logits(1)[0].argmax()) == said[3]
    assert hidden(layer, 1).shape == (1, WIDTH)
    assert lib.llama_memory_seq_pos_max(lib.llama_get_memory(layer.pointer), 0) == 3
    assert layer.remove(0, 2, -1)
    layer.close()
