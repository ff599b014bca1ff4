"""Derives `Facts` from the headers of a model's parts: pure, in about as many steps as there are
tensors.

Follows `load_hparams` (src/llama-model.cpp) and `create_memory` of the pinned llama.cpp, so that
what it derives is what will be allocated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmd.errors import CorruptFile
from llmd.models.gguf.architectures import ENCODERS, WITHOUT_CACHE
from llmd.models.gguf.compression import compressed_elements, compressed_state
from llmd.models.gguf.facts import Facts, Layer
from llmd.models.gguf.fields import Fields
from llmd.models.gguf.header import Header
from llmd.models.gguf.indexes import index_widths
from llmd.models.gguf.states import attends, state_sizes
from llmd.models.gguf.weighing import Weighed, layers_named, weigh
from llmd.models.gguf.windows import Windows, windows

MOST_LAYERS = 512
"""LLAMA_MAX_LAYERS; with more, llama.cpp aborts."""

MOST_EXPERTS = 1024
"""LLAMA_MAX_EXPERTS."""

_GEMMA3N_CACHED = 20
# one expert means none to them, however many are said to be used
_SINGLE_EXPERTS = frozenset({"hunyuan-dense", "hunyuan_vl"})
_COMPRESSES = "deepseek4"
_READS_KEY_LENGTH = frozenset({"plamo2"})


@dataclass(frozen=True, slots=True)
class _Shape:
    layers: int
    prediction: int
    width: int
    heads: list[int]
    kv_heads: list[int]
    windows: Windows
    latent: bool


def facts_of(headers: Sequence[Header]) -> Facts:
    """Return the facts of a model, from the headers of all its parts in order; raise CorruptFile
    when its counts are such that llama.cpp would abort.
    """
    first = headers[0]
    fields = Fields(first.values, str(first.values.get("general.architecture", "")))
    tensors = [tensor for header in headers for tensor in header.tensors]
    shape = _shape(fields, layers_named(tensors))
    weighed = weigh(tensors, shape.layers)
    layers = _layers(fields, shape, weighed)
    experts = _experts(fields)
    idle = sum(_idle(layer, experts) for layer in layers)
    parameters = sum(tensor.weights for tensor in tensors)
    return Facts(
        architecture=fields.architecture,
        size=sum(header.file_size for header in headers),
        parameters=parameters,
        active_parameters=parameters - idle,
        context_length=fields.number("context_length"),
        width=shape.width,
        output_width=fields.number("embedding_length_out") or shape.width,
        vocabulary=fields.count("tokenizer.ggml.tokens") or fields.number("vocab_size"),
        layers=layers,
        input=weighed.input,
        output=weighed.output,
        tied=weighed.tied and fields.architecture not in ENCODERS,
        embedding=weighed.embedding,
        window=shape.windows.size,
        window_kind=shape.windows.kind,
        latent=shape.latent,
        has_cache=fields.architecture not in WITHOUT_CACHE,
        causal=fields.flag("attention.causal", default=True),
        separate_streams=fields.architecture == _COMPRESSES,
        experts=experts,
        shared_experts=fields.number("expert_shared_count"),
        prediction_layers=shape.prediction,
    )


def _shape(fields: Fields, named: int) -> _Shape:
    layers = fields.number("block_count") or named
    prediction = fields.number("nextn_predict_layers")
    _check(fields, layers, prediction)
    layers *= fields.number("num_loops", 1) if fields.architecture == "nanbeige" else 1
    if layers > MOST_LAYERS:
        raise CorruptFile(f"the model claims {layers} layers")
    heads = fields.per_layer("attention.head_count", layers)
    return _Shape(
        layers=layers,
        prediction=prediction,
        width=fields.number("embedding_length"),
        heads=heads,
        kv_heads=fields.per_layer("attention.head_count_kv", layers, heads),
        windows=windows(fields, layers, prediction),
        latent=fields.number("attention.key_length_mla") > 0 or fields.architecture == _COMPRESSES,
    )


def _check(fields: Fields, layers: int, prediction: int) -> None:
    experts = fields.number("expert_count")
    if layers > MOST_LAYERS or prediction > layers:
        raise CorruptFile(f"the model claims {layers} layers, {prediction} of them for prediction")
    used = max(fields.per_layer("expert_used_count", max(layers, 1)))
    if fields.architecture in _SINGLE_EXPERTS and experts <= 1:
        return
    if experts > MOST_EXPERTS or used > experts:
        raise CorruptFile(f"the model claims {experts} experts, of which it uses {used}")


def _experts(fields: Fields) -> int:
    count = fields.number("expert_count")
    return 0 if count <= 1 and fields.architecture in _SINGLE_EXPERTS else count


def _layers(fields: Fields, shape: _Shape, weighed: Weighed) -> list[Layer]:
    count, prediction = shape.layers, shape.prediction
    states = state_sizes(fields, count, prediction, shape.width)
    cached = _cached(fields, shape)
    index = index_widths(fields, count, prediction)
    used = fields.per_layer("expert_used_count", count)
    plain = fields.per_layer("feed_forward_length", count)
    expert = fields.per_layer("expert_feed_forward_length", count, plain)
    ratios = _ratios(fields, shape)
    probe = fields.number("attention.indexer.key_length")
    made = []
    for number in range(count):
        windowed = shape.windows.layers[number] and not states[number]
        key, value = _lengths(fields, shape, windowed=windowed)
        kv_heads = shape.kv_heads[number]
        has_experts = weighed.experts[number].size > 0
        made.append(
            Layer(
                dense=weighed.dense[number],
                experts=weighed.experts[number],
                heads=shape.heads[number],
                kv_heads=kv_heads,
                key_length=key,
                value_length=value,
                feed_forward=(expert[number] if has_experts else 0) or plain[number],
                experts_used=used[number] if has_experts else 0,
                cached_keys=kv_heads * key if cached[number] else 0,
                cached_values=kv_heads * value if cached[number] and not shape.latent else 0,
                cached_index=index[number] if cached[number] else 0,
                windowed=windowed,
                state=states[number] + compressed_state(ratios[number], key, probe),
                compression=ratios[number],
                compressed=compressed_elements(ratios[number], key, probe),
                prediction=number >= count - prediction,
            )
        )
    return made


def _ratios(fields: Fields, shape: _Shape) -> list[int]:
    if fields.architecture != _COMPRESSES:
        return [0] * shape.layers
    return fields.per_layer("attention.compress_ratios", shape.layers)


def _cached(fields: Fields, shape: _Shape) -> list[bool]:
    if fields.architecture in WITHOUT_CACHE:
        return [False] * shape.layers
    own = shape.layers
    if fields.architecture == "gemma3n":
        own = _GEMMA3N_CACHED
    elif fields.architecture == "gemma4":
        own -= fields.number("attention.shared_kv_layers")
    found = attends(fields, shape.layers, shape.prediction)
    return [attending and layer < own for layer, attending in enumerate(found)]


def _lengths(fields: Fields, shape: _Shape, *, windowed: bool) -> tuple[int, int]:
    """Return the elements of a key and a value of one head."""
    first = shape.heads[0] if shape.heads else 0
    if not first and fields.architecture not in _READS_KEY_LENGTH:
        return 0, 0
    even = shape.width // first if first else 0
    key = fields.number("attention.key_length", even)
    value = fields.number("attention.value_length", even)
    if windowed:
        return (
            fields.number("attention.key_length_swa", key),
            fields.number("attention.value_length_swa", value),
        )
    return key, value


def _idle(layer: Layer, experts: int) -> int:
    """Return the parameters of a layer's experts that a token does not pass through."""
    if not experts or not layer.experts_used:
        return 0
    return layer.experts.parameters * (experts - layer.experts_used) // experts
