"""The built-in model and a small context over it, for the tests of the bindings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Model

SHAPE = ContextShape(tokens=512, sequences=4, batch=128, micro_batch=128, threads=1, outputs=4)
Decode = Callable[..., int]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Model]:
    shares: list[float] = []
    bindings.start_backend(lambda *_: None)
    model = Model.load(str(tiny_model), gpu_layers=0, progress=shares.append)
    assert model
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    yield model
    model.close()


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    context = Context.create(model, SHAPE)
    assert context
    yield context
    context.close()


@pytest.fixture
def decode() -> Decode:
    """Decode a text and return the greedy next token."""

    def run(context: Context, model: Model, text: str, sequence: int = 0, position: int = 0) -> int:
        tokens = model.vocab.tokenize(text, add_special=False, parse_special=True)
        batch = Batch(128)
        end = batch.fill(0, tokens, position, sequence)
        batch.outputs[end - 1] = 1
        assert context.decode(batch, end) == 0
        return int(context.logits(1)[0].argmax())

    return run
