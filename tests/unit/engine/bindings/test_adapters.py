from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmd.engine.bindings import Adapter, Context, Model
from tests.fakes.random_adapter import write_adapter
from tests.unit.engine.bindings.conftest import Decode

TEXT = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"


def logits(context: Context, model: Model, decode: Decode) -> np.ndarray:
    context.clear()
    decode(context, model, TEXT)
    return context.logits(1)[0].copy()


def test_an_adapter_changes_what_a_context_computes_until_it_is_taken_off(
    context: Context, model: Model, decode: Decode, tiny_model: Path, tmp_path: Path
) -> None:
    adapter = Adapter.load(model, str(write_adapter(tmp_path / "a.gguf", tiny_model)))
    assert adapter
    assert adapter.invocation_tokens == 0
    plain = logits(context, model, decode)
    context.adapt([(adapter, 1.0)])
    changed = logits(context, model, decode)
    assert np.abs(changed - plain).max() > 0.1
    context.adapt([(adapter, 0.5)])
    assert np.abs(logits(context, model, decode) - changed).max() > 0.05
    context.adapt([])
    assert np.array_equal(logits(context, model, decode), plain)
    adapter.close()


def test_two_adapters_add_up_in_any_order(
    context: Context, model: Model, decode: Decode, tiny_model: Path, tmp_path: Path
) -> None:
    first, second = (
        Adapter.load(model, str(write_adapter(tmp_path / f"{seed}.gguf", tiny_model, seed=seed)))
        for seed in (1, 2)
    )
    assert first
    assert second
    context.adapt([(first, 1.0), (second, -0.5)])
    both = logits(context, model, decode)
    context.adapt([(second, -0.5), (first, 1.0)])
    assert np.array_equal(logits(context, model, decode), both)
    context.adapt([(first, 1.0)])
    assert not np.array_equal(logits(context, model, decode), both)
    context.adapt([])
    first.close()
    second.close()


@pytest.mark.parametrize("kind", ["missing", "architecture", "damaged", "shape"])
def test_a_file_that_does_not_fit_is_refused(
    model: Model, tiny_model: Path, embedding_model: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "a.gguf"
    if kind == "architecture":
        write_adapter(path, tiny_model, architecture="gemma3")
    elif kind == "shape":
        write_adapter(path, embedding_model, architecture="llama")
    elif kind == "damaged":
        write_adapter(path, tiny_model)
        path.write_bytes(path.read_bytes()[:2000])
    assert Adapter.load(model, str(path)) is None


def test_tokens_that_switch_an_adapter_on_are_counted(
    model: Model, tiny_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "a.gguf", tiny_model, invocation=(5, 6, 7))
    adapter = Adapter.load(model, str(path))
    assert adapter
    assert adapter.invocation_tokens == 3
    adapter.close()
