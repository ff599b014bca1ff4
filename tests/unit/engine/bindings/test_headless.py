"""Hidden states without logits are those that stand before the logits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.bindings import Batch, Context, ContextShape, Model, Pooling, headless
from llmd.engine.bindings import abstaining as abstaining_module
from llmd.engine.bindings import context as context_module
from llmd.engine.bindings.headless import Headless

SHAPE = ContextShape(
    tokens=256,
    sequences=16,
    batch=16,
    micro_batch=16,
    threads=1,
    embeddings=True,
    pooling=Pooling.NONE,
    headless=True,
)
WHOLE = replace(SHAPE, batch=128, micro_batch=128, headless=False)
LENGTHS = [5, 40, 1, 17]


def filled(batch: Batch) -> int:
    end = 0
    for sequence, length in enumerate(LENGTHS):
        end = batch.fill(end, list(range(300, 300 + length)), 0, sequence)
    batch.outputs[:end] = 1
    return end


def test_states_are_those_of_whole_graphs(model: Model) -> None:
    batch = Batch(128)
    early, whole = Context.create(model, SHAPE), Context.create(model, WHOLE)
    assert early
    assert whole
    assert (early.is_headless, whole.is_headless) == (True, False)
    assert (early.reads_in_place, early.pooling) == (False, Pooling.NONE)
    for _ in range(2):  # graphs are built anew, and used again
        early.clear()
        whole.clear()
        end = filled(batch)
        found, expected = early.states(batch, end), whole.states(batch, end)
        assert found is not None
        assert expected is not None
        assert found.shape == (end, model.width)
        nearness = (found * expected).sum(axis=1) / (
            np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
        )
        assert nearness.min() > 0.999
    early.close()
    whole.close()


def test_the_output_layer_is_not_computed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    stop = Headless._stop

    def watched(self: Headless, tensor: int, asking: bool, user: object) -> bool:
        seen.append(asking)
        return stop(self, tensor, asking, user)

    monkeypatch.setattr(Headless, "_stop", watched)
    context = Context.create(model, SHAPE)
    assert context
    batch = Batch(128)
    assert context.states(batch, filled(batch)) is not None
    assert seen.count(False) == -(-sum(LENGTHS) // SHAPE.micro_batch)  # once for each call
    assert seen[-1] is False  # and nothing was asked for behind it
    context.close()


def test_what_does_not_fit_is_told(model: Model) -> None:
    context = Context.create(model, SHAPE)
    assert context
    batch = Batch(300)
    batch.fill(0, [5] * 300, 0, 0)
    batch.outputs[:300] = 1
    assert context.states(batch, 300) is None
    context.close()


def test_an_encoder_has_none(embedding_model: Path) -> None:
    model = Model.load(str(embedding_model), gpu_layers=0, progress=lambda _: None)
    assert model
    context = Context.create(model, SHAPE)
    assert context
    assert not context.is_headless
    context.close()
    model.close()


def test_graphs_with_other_names_run_to_their_end(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_LOGITS", b"something else")
    context = Context.create(model, SHAPE)
    assert context
    assert not context.is_headless
    context.close()


def test_a_system_that_takes_nothing_back_has_none(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_module, "can_give_back", lambda: False)
    monkeypatch.setattr(abstaining_module, "can_give_back", lambda: False)
    context = Context.create(model, SHAPE)
    assert context
    assert not context.is_headless
    context.close()
