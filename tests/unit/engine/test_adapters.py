from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.adapters import Adapters
from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.errors import InvalidRequest, LoadFailed
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


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    shape = ContextShape(tokens=256, sequences=1, batch=64, micro_batch=64, threads=1)
    context = Context.create(model, shape)
    assert context
    yield context
    context.close()


@pytest.fixture
def adapters(model: Model, tiny_model: Path, tmp_path: Path) -> Iterator[Adapters]:
    def file(name: str, seed: int, scale: float = 1.0, *, default: bool = False) -> AdapterFile:
        path = write_adapter(tmp_path / f"{name}.gguf", tiny_model, seed=seed)
        return AdapterFile(name, str(path), scale, default)

    broken = AdapterFile("broken", str(tmp_path / "gone.gguf"))
    files = [file("style", 1), file("facts", 2, 0.5, default=True), broken]
    adapters = Adapters(model, files)
    yield adapters
    adapters.close()


def logits(context: Context) -> np.ndarray:
    context.clear()
    batch = Batch(64)
    end = batch.fill(0, [5, 6, 7, 8], 0, 0)
    batch.outputs[end - 1] = 1
    assert context.decode(batch, end) == 0
    return context.logits(1)[0].copy()


def test_keys_are_canonical(adapters: Adapters) -> None:
    style, facts = Adapter("style", 1.0), Adapter("facts", 0.25)
    assert adapters.resolve([style, facts]) == adapters.resolve([facts, style])
    assert adapters.resolve([Adapter("style", 0.0)]) == adapters.resolve([]) == ()
    assert hash(adapters.resolve([style]))


def test_a_request_that_says_nothing_runs_with_the_default_ones(adapters: Adapters) -> None:
    assert adapters.resolve(None) == (("facts", 0.5),)


def test_adapters_may_be_named_by_their_place(adapters: Adapters) -> None:
    assert adapters.resolve([Adapter("0", 2.0)]) == (("style", 2.0),)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ([Adapter("stlye")], "style"),
        ([Adapter("9")], "no adapter"),
        ([Adapter("style"), Adapter("style", 2.0)], "twice"),
        ([Adapter("style", float("nan"))], "number"),
    ],
)
def test_what_the_model_does_not_have_is_refused(
    adapters: Adapters, wanted: list[Adapter], says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says) as caught:
        adapters.resolve(wanted)
    assert caught.value.param == "adapters"


def test_a_context_runs_with_exactly_the_adapters_of_the_key(
    adapters: Adapters, context: Context
) -> None:
    plain = logits(context)
    adapters.activate(context, adapters.resolve([Adapter("style")]))
    style = logits(context)
    adapters.activate(context, adapters.resolve([Adapter("facts")]))
    facts = logits(context)
    assert not np.array_equal(plain, style)
    assert not np.array_equal(style, facts)
    adapters.activate(context, adapters.resolve([Adapter("style")]))
    assert np.array_equal(logits(context), style)
    adapters.activate(context, ())
    assert np.array_equal(logits(context), plain)


def test_a_file_that_cannot_be_read_fails_when_it_is_needed(
    adapters: Adapters, context: Context
) -> None:
    key = adapters.resolve([Adapter("broken")])
    with pytest.raises(LoadFailed, match=r"broken.*gone\.gguf"):
        adapters.activate(context, key)
