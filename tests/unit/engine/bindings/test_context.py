"""The KV cache through the bindings."""

from __future__ import annotations

import ctypes

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest

from llmd.engine.bindings import Batch, Context, ContextShape, Model, Pooling
from llmd.engine.bindings.library import FLASH_ATTENTION, KV_TYPES
from tests.unit.engine.bindings.conftest import Decode


def test_logits_are_writable_views(context: Context, model: Model, decode: Decode) -> None:
    decode(context, model, "Hello")
    row = context.logits(1)[0]
    row[0] = 1234.0
    assert context.logits(1)[0][0] == 1234.0


def test_logits_are_those_of_the_latest_call(
    context: Context, model: Model, decode: Decode
) -> None:
    decode(context, model, "Hello")
    first = context.logits(1)
    before = first.copy()
    context.clear()
    decode(context, model, "Good morning to all of you")
    assert not np.array_equal(context.logits(1), before)
    assert context.logits(1).shape == before.shape


def test_logits_lie_where_llama_cpp_has_them(
    context: Context, model: Model, decode: Decode
) -> None:
    decode(context, model, "Hello")
    address = ctypes.addressof(lib.llama_get_logits(context.pointer).contents)
    assert context.logits(1).ctypes.data == address


def test_a_full_cache_is_status_one_and_changes_nothing(context: Context, model: Model) -> None:
    batch = Batch(128)
    for part in range(4):
        batch.fill(0, [5] * 128, 128 * part, 0)
        assert context.decode(batch, 128) == 0
    batch.fill(0, [5] * 8, 0, 1)
    assert context.decode(batch, 8) == 1
    assert context.remove(0)
    assert context.decode(batch, 8) == 0


def test_removing_and_moving_positions(context: Context, model: Model, decode: Decode) -> None:
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


@pytest.mark.parametrize("kv_type", list(KV_TYPES))  # GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0
def test_every_cache_type_can_be_allocated(model: Model, kv_type: str, decode: Decode) -> None:
    shape = ContextShape(
        tokens=256, sequences=1, batch=64, micro_batch=64, threads=1, kv_type=kv_type
    )
    context = Context.create(model, shape)
    assert context
    assert context.tokens == 256
    decode(context, model, "Hello")
    context.close()


# LLAMA_FLASH_ATTN_TYPE_AUTO, LLAMA_FLASH_ATTN_TYPE_ENABLED, LLAMA_FLASH_ATTN_TYPE_DISABLED
@pytest.mark.parametrize("flash_attention", list(FLASH_ATTENTION))
def test_flash_attention_changes_no_token(
    model: Model, decode: Decode, flash_attention: str
) -> None:
    shape = ContextShape(
        tokens=256,
        sequences=1,
        batch=64,
        micro_batch=64,
        threads=1,
        flash_attention=flash_attention,
    )
    context = Context.create(model, shape)
    assert context
    assert (
        decode(context, model, "The capital of France is")
        == model.vocab.tokenize(" Paris", add_special=False, parse_special=False)[0]
    )
    context.close()


# llama_set_n_threads, llama_n_threads
def test_the_number_of_threads_can_change_between_calls(model: Model, decode: Decode) -> None:
    shape = ContextShape(tokens=256, sequences=1, batch=64, micro_batch=64, threads=1)
    context = Context.create(model, shape)
    assert context
    tokens = set()
    for threads in (1, 2, 1):
        context.use_threads(threads)
        assert lib.llama_n_threads(context.pointer) == threads
        assert lib.llama_n_threads_batch(context.pointer) == threads
        tokens.add(decode(context, model, "The capital of France is"))
        context.clear()
    assert len(tokens) == 1
    context.close()


def test_a_quantised_cache_without_flash_attention_is_refused(model: Model) -> None:
    shape = ContextShape(
        tokens=256,
        sequences=1,
        batch=64,
        micro_batch=64,
        threads=1,
        kv_type="q8_0",
        flash_attention="off",
    )
    assert Context.create(model, shape) is None


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


def test_threads_are_shared_with_other_processes(
    context: Context, model: Model, decode: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def now() -> tuple[int, int]:
        return lib.llama_n_threads(context.pointer), lib.llama_n_threads_batch(context.pointer)

    context.use_threads(6)
    decode(context, model, "one")
    assert now() == (6, 6)
    monkeypatch.setattr(Context, "sharing", 4)
    context.clear()
    decode(context, model, "two")
    assert now() == (1, 1)
    context.use_threads(9)
    assert now() == (2, 2)
    monkeypatch.setattr(Context, "sharing", 20)
    context.clear()
    decode(context, model, "three")
    assert now() == (1, 1)
