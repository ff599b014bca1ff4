"""Facts of made-up models here, of every architecture in test_caching.py, and of real files against
llama.cpp in tests/integration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmd.errors import CorruptFile
from llmd.models.gguf.derivation import facts_of
from llmd.models.gguf.facts import Facts, Window
from llmd.models.gguf.file_types import TENSOR_TYPES
from llmd.models.gguf.header import ArraySummary, Header, Tensor, read_header


def tensor(name: str, count: int, kind: int = 0) -> Tensor:
    return Tensor(name, (count,), TENSOR_TYPES[kind], 0)


def derived(architecture: str, tensors: tuple[Tensor, ...] = (), **values: Any) -> Facts:
    dotted = {key.replace("__", "."): value for key, value in values.items()}
    given = {f"{architecture}.{key}": value for key, value in dotted.items()}
    header = Header(3, {"general.architecture": architecture, **given}, tensors, 0, 100)
    return facts_of([header])


DENSE: dict[str, Any] = {
    "block_count": 2,
    "embedding_length": 64,
    "attention__head_count": 4,
    "attention__head_count_kv": 2,
    "feed_forward_length": 128,
    "context_length": 4096,
}


def test_the_builtin_model_is_known(tiny_model: Path) -> None:
    found = facts_of([read_header(tiny_model)])
    assert (found.architecture, found.context_length, found.vocabulary) == ("qwen2", 2048, 4096)
    assert (found.width, found.output_width, len(found.layers)) == (256, 256, 4)
    assert found.tied
    assert found.embedding == found.input.size
    first = found.layers[0]
    assert (first.heads, first.kv_heads, first.key_length, first.cached_keys) == (8, 4, 32, 128)
    assert found.parameters == found.active_parameters
    assert found.weights < found.size


def test_an_encoder_has_no_cache(embedding_model: Path) -> None:
    found = facts_of([read_header(embedding_model)])
    assert not found.has_cache
    assert {layer.cached_keys for layer in found.layers} == {0}
    assert not found.tied


def test_heads_come_from_the_width_unless_the_file_says() -> None:
    assert derived("llama", **DENSE).layers[0].key_length == 16
    longer = derived("llama", **DENSE, attention__key_length=128, attention__value_length=32)
    assert (longer.layers[0].key_length, longer.layers[0].cached_values) == (128, 64)
    assert derived("llama", **{**DENSE, "attention__head_count": 0}).layers[0].key_length == 0


def test_layers_may_differ() -> None:
    found = derived("deci", **{**DENSE, "attention__head_count_kv": [2, 0]})
    assert [layer.cached_keys for layer in found.layers] == [32, 0]


def test_windowed_layers_may_have_heads_of_another_length() -> None:
    found = derived(
        "gemma4",
        **DENSE,
        attention__sliding_window=512,
        attention__sliding_window_pattern=[True, False],
        attention__key_length=64,
        attention__key_length_swa=32,
    )
    assert [layer.key_length for layer in found.layers] == [32, 64]
    assert [layer.windowed for layer in found.layers] == [True, False]
    assert (found.window, found.window_kind) == (512, Window.STANDARD)


def test_layers_that_borrow_a_cache_add_nothing() -> None:
    found = derived(
        "gemma4",
        **{**DENSE, "block_count": 4},
        attention__shared_kv_layers=3,
        attention__sliding_window_pattern=[1, 0, 1, 0],
    )
    assert [layer.cached_keys > 0 for layer in found.layers] == [True, False, False, False]
    many = derived("gemma3n", **{**DENSE, "block_count": 30})
    assert sum(layer.cached_keys > 0 for layer in many.layers) == 20


def test_latent_attention_caches_keys_only() -> None:
    found = derived(
        "deepseek2",
        **{**DENSE, "attention__head_count_kv": 1},
        attention__key_length=576,
        attention__value_length=512,
        attention__key_length_mla=192,
        attention__value_length_mla=128,
        attention__kv_lora_rank=512,
    )
    assert found.latent
    assert (found.layers[0].cached_keys, found.layers[0].cached_values) == (576, 0)


def test_experts_that_are_not_used_are_not_active() -> None:
    found = derived(
        "qwen3moe",
        (tensor("blk.0.attn_q.weight", 100), tensor("blk.1.ffn_up_exps.weight", 800)),
        **DENSE,
        expert_count=8,
        expert_used_count=2,
        expert_feed_forward_length=32,
        expert_shared_count=1,
    )
    assert (found.parameters, found.active_parameters) == (900, 300)
    assert (found.experts, found.shared_experts) == (8, 1)
    plain, mixed = found.layers
    assert (plain.experts_used, plain.feed_forward) == (0, 128)
    assert (mixed.experts_used, mixed.feed_forward) == (2, 32)
    assert mixed.experts.size == 3200


def test_prediction_layers_stand_behind_the_others() -> None:
    found = derived("glm4moe", **DENSE, nextn_predict_layers=1)
    assert [layer.prediction for layer in found.layers] == [False, True]
    assert [layer.cached_keys > 0 for layer in found.layers] == [True, False]
    assert found.prediction_layers == 1


def test_loops_multiply_layers() -> None:
    assert len(derived("nanbeige", **DENSE, num_loops=3).layers) == 6
    assert len(derived("llama", **DENSE, num_loops=3).layers) == 2


def test_parts_are_one_model(tiny_model: Path) -> None:
    header = read_header(tiny_model)
    half = len(header.tensors) // 2
    parts = [
        Header(3, header.values, header.tensors[:half], 0, 10),
        Header(3, {}, header.tensors[half:], 0, 20),
    ]
    whole = facts_of([header])
    found = facts_of(parts)
    assert (found.parameters, found.layers, found.size) == (whole.parameters, whole.layers, 30)


def test_vocabularies_that_are_not_kept_are_counted() -> None:
    values = {"general.architecture": "llama", "tokenizer.ggml.tokens": ArraySummary("string", 9)}
    assert facts_of([Header(3, values, (), 0, 0)]).vocabulary == 9
    assert derived("llama", vocab_size=7).vocabulary == 7


@pytest.mark.parametrize(
    "values",
    [
        {"block_count": 513},
        {"block_count": 2**32 - 1},
        {"block_count": 2, "nextn_predict_layers": 3},
        {"block_count": 2, "expert_count": 1025, "expert_used_count": 1},
        {"block_count": 2, "expert_count": 2, "expert_used_count": 3},
        {"block_count": 2, "expert_count": 2, "expert_used_count": [1, 3]},
    ],
)
def test_counts_that_would_abort_llama_cpp_are_damage(values: dict[str, Any]) -> None:
    with pytest.raises(CorruptFile, match="the model claims"):
        derived("llama", **values)
    with pytest.raises(CorruptFile, match="1024 layers"):
        derived("nanbeige", block_count=512, num_loops=2)


def test_one_expert_of_a_dense_model_is_none() -> None:
    assert derived("hunyuan-dense", **DENSE, expert_count=1, expert_used_count=8).experts == 0


def test_a_header_that_says_nothing_gives_empty_facts() -> None:
    found = facts_of([Header(3, {}, (), 0, 0)])
    assert (found.architecture, found.layers, found.parameters) == ("", [], 0)
