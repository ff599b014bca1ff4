"""One test per binding that llmd uses: an upgrade of llama-cpp-python moves the C structs, and must
not do so unseen.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Model, Pooling, SamplerChain

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = ContextShape(tokens=512, sequences=4, batch=128, micro_batch=128, threads=1, outputs=4)


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


def decode(context: Context, model: Model, text: str, sequence: int = 0, position: int = 0) -> int:
    """Decode a text and return the greedy next token."""
    tokens = model.vocab.tokenize(text, add_special=False, parse_special=True)
    batch = Batch(128)
    end = batch.fill(0, tokens, position, sequence)
    batch.outputs[end - 1] = 1
    assert context.decode(batch, end) == 0
    return int(context.logits(1)[0].argmax())


def test_the_version_is_the_one_these_structs_belong_to() -> None:
    import llama_cpp

    assert llama_cpp.__version__ == "0.3.36"


def test_structs_have_the_sizes_that_llama_cpp_was_built_with() -> None:
    # C defaults read back through the Python layout: a moved field shows as a wrong value
    model = lib.llama_model_default_params()
    assert (model.n_gpu_layers, model.vocab_only, model.check_tensors, model.use_extra_bufts) == (
        -1,
        False,
        False,
        True,
    )
    context = lib.llama_context_default_params()
    assert (context.n_ctx, context.n_batch, context.n_ubatch, context.n_seq_max) == (
        512,
        2048,
        512,
        1,
    )
    assert (context.type_k, context.type_v) == (lib.GGML_TYPE_F16, lib.GGML_TYPE_F16)
    assert (context.embeddings, context.offload_kqv, context.no_perf, context.kv_unified) == (
        False,
        True,
        True,
        False,
    )
    assert ctypes.sizeof(lib.llama_token_data) == bindings.CANDIDATE.itemsize == 12


def test_system_info_and_devices() -> None:
    assert "CPU" in bindings.system_info()
    assert all(isinstance(name, str) for name in bindings.devices())


def test_the_log_goes_through_our_callback(tmp_path: Path) -> None:
    lines: list[tuple[int, str]] = []
    bindings.start_backend(lambda level, text: lines.append((level, text)))
    assert Model.load(str(tmp_path / "missing.gguf"), gpu_layers=0, progress=lambda _: None) is None
    bindings.start_backend(lambda *_: None)
    assert any(level == 4 and "missing.gguf" in text for level, text in lines)


def test_model_figures(model: Model, tiny_model: Path) -> None:
    assert model.trained_context == 2048
    assert model.layers == 4
    assert model.width == 256
    assert model.has_decoder
    assert 0 < model.size < tiny_model.stat().st_size
    assert model.metadata("general.architecture") == "qwen2"
    assert model.metadata("no.such.key") is None
    assert len(model.metadata("tokenizer.chat_template") or "") > 256
    assert "im_start" in (model.chat_template() or "")
    # 4 KV heads of width 32, keys and values, two bytes each
    assert model.kv_bytes_per_token("f16") == model.layers * 4 * 32 * 2 * 2
    assert model.kv_bytes_per_token("q8_0") < model.kv_bytes_per_token("f16")


def test_vocabulary_round_trip(model: Model) -> None:
    vocab = model.vocab
    text = "Hello 世界 🎉!\n"
    tokens = vocab.tokenize(text, add_special=True, parse_special=False)
    assert b"".join(vocab.piece(token) for token in tokens).decode() == text
    assert vocab.size == 4096
    assert not vocab.adds_bos
    end = vocab.tokenize("<|im_end|>", add_special=False, parse_special=True)
    assert end == [vocab.eos]
    assert vocab.eos in vocab.end_tokens
    assert vocab.piece(vocab.eos) == b""
    assert vocab.piece(vocab.eos, special=True) == b"<|im_end|>"
    assert vocab.is_control("<|im_start|>")
    assert not vocab.is_control("<|nonsense|>")
    assert len(vocab.tokenize("<|im_end|>", add_special=False, parse_special=False)) > 1


def test_decode_gives_the_same_logits_in_one_call_or_two(context: Context, model: Model) -> None:
    whole = decode(context, model, "<|im_start|>user\nHello")
    tokens = model.vocab.tokenize("<|im_start|>user\nHello", add_special=False, parse_special=True)
    batch = Batch(8)
    batch.fill(0, tokens[:-1], 0, 1)
    assert context.decode(batch, len(tokens) - 1) == 0
    batch.fill(0, tokens[-1:], len(tokens) - 1, 1)
    batch.outputs[0] = 1
    assert context.decode(batch, 1) == 0
    assert int(context.logits(1)[0].argmax()) == whole


def test_rows_of_logits_come_in_the_order_of_the_batch(context: Context, model: Model) -> None:
    alone = [
        decode(context, model, text, sequence)
        for sequence, text in enumerate(["The capital", "猫是"])
    ]
    context.clear()
    batch = Batch(64)
    end = 0
    for sequence, text in enumerate(["The capital", "猫是"]):
        tokens = model.vocab.tokenize(text, add_special=False, parse_special=True)
        end = batch.fill(end, tokens, 0, sequence)
        batch.outputs[end - 1] = 1
    assert context.decode(batch, end) == 0
    assert context.logits(2).argmax(axis=1).tolist() == alone


def test_logits_are_writable_views(context: Context, model: Model) -> None:
    decode(context, model, "Hello")
    row = context.logits(1)[0]
    row[0] = 1234.0
    assert context.logits(1)[0][0] == 1234.0


def test_a_full_cache_is_status_one_and_changes_nothing(context: Context, model: Model) -> None:
    batch = Batch(128)
    for part in range(4):
        batch.fill(0, [5] * 128, 128 * part, 0)
        assert context.decode(batch, 128) == 0
    batch.fill(0, [5] * 8, 0, 1)
    assert context.decode(batch, 8) == 1
    assert context.remove(0)
    assert context.decode(batch, 8) == 0


def test_removing_and_moving_positions(context: Context, model: Model) -> None:
    first = decode(context, model, "one two three")
    length = len(model.vocab.tokenize("one two three", add_special=False, parse_special=True))
    assert context.can_shift
    assert context.remove(0, length - 1, length)
    tokens = model.vocab.tokenize("one two three", add_special=False, parse_special=True)
    batch = Batch(4)
    batch.fill(0, tokens[-1:], length - 1, 0)
    batch.outputs[0] = 1
    assert context.decode(batch, 1) == 0
    assert int(context.logits(1)[0].argmax()) == first
    assert context.remove(0, 0, 1)
    context.move(0, 1, -1)
    assert lib.llama_memory_seq_pos_max(lib.llama_get_memory(context._p), 0) == length - 2
    context.clear()
    assert lib.llama_memory_seq_pos_max(lib.llama_get_memory(context._p), 0) == -1


@pytest.mark.parametrize(
    "kv_type", list(bindings.KV_TYPES)
)  # GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0
def test_every_cache_type_can_be_allocated(model: Model, kv_type: str) -> None:
    shape = ContextShape(
        tokens=256, sequences=1, batch=64, micro_batch=64, threads=1, kv_type=kv_type
    )
    context = Context.create(model, shape)
    assert context
    assert context.tokens == 256
    decode(context, model, "Hello")
    context.close()


def test_pooled_embeddings(model: Model) -> None:
    shape = ContextShape(
        tokens=64,
        sequences=2,
        batch=64,
        micro_batch=64,
        threads=1,
        embeddings=True,
        pooling=Pooling.MEAN,
    )
    context = Context.create(model, shape)
    assert context
    assert context.pooling == Pooling.MEAN
    batch = Batch(64)
    end = batch.fill(0, [7, 8, 9], 0, 0)
    end = batch.fill(end, [7, 8, 9], 0, 1)
    batch.outputs[:end] = 1
    assert context.decode(batch, end) == 0
    first, second = context.embedding(0), context.embedding(1)
    assert first.shape == (256,)
    np.testing.assert_allclose(first, second, rtol=1e-4)
    context.close()


def candidates(logits: dict[int, float]) -> np.ndarray:
    array = np.zeros(len(logits), bindings.CANDIDATE)
    array["id"] = list(logits)
    array["logit"] = list(logits.values())
    return array


def test_sampler_chain_greedy_bias_and_penalties() -> None:
    chain = SamplerChain()
    chain.add_logit_bias(100, {3: 5.0})
    chain.add_penalties(100, 8, 1.0, 0.0, 10.0)
    chain.add_greedy()
    assert chain.pick(candidates({1: 4.0, 2: 3.0, 3: 0.0})) == 3
    chain.accept(3)
    assert chain.pick(candidates({1: 4.0, 2: 3.0, 3: 0.0})) == 1
    chain.close()


@pytest.mark.parametrize(
    "wish", [(1, 1.0, 1.0, 0.0), (0, 1.0, 0.1, 0.0), (0, 1.0, 1.0, 0.9), (0, 0.1, 1.0, 0.0)]
)
def test_sampler_chain_truncation(wish: tuple[int, float, float, float]) -> None:
    chain = SamplerChain()
    chain.add_truncation(*wish)
    chain.add_draw(1.0, 7)
    assert {chain.pick(candidates({1: 0.0, 2: 6.0, 3: 0.5})) for _ in range(50)} == {2}
    chain.close()
