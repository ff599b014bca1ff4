"""Which layers keep a state of fixed size per sequence, and how large it is (Mamba, RWKV, gated
delta nets, short convolutions, lightning attention).

From `load_arch_hparams` of src/models/*.cpp, `llm_arch_is_recurrent`, `llm_arch_is_hybrid` and
`n_embd_r`, `n_embd_s` of src/llama-hparams.cpp in the pinned llama.cpp.
"""

from __future__ import annotations

from llmd.models.gguf.fields import Fields

RECURRENT = frozenset("arwkv7 mamba mamba2 rwkv6 rwkv6qwen2 rwkv7".split())
HYBRID = frozenset(
    """
    bailingmoe3 deepseek4 falcon-h1 glm5-next granitehybrid jamba kimi-k3 kimi-linear lfm2 lfm2moe
    minimax-01 nemotron_h nemotron_h_moe plamo2 qwen35 qwen35moe qwen3next qwen4exp
    """.split()
)
_EVERY_FOURTH_ATTENDS = frozenset({"qwen3next", "qwen35", "qwen35moe", "qwen4exp"})
_NEMOTRON = frozenset({"nemotron_h", "nemotron_h_moe"})
_INTERVALS = {"minimax-01": 8}
_PREDICTION_ATTENDS = frozenset({"hy_v4", "minimax-m3"})


def recurrent_layers(fields: Fields, layers: int, prediction: int) -> tuple[bool, ...]:
    """Say of each layer whether it keeps a state; the last `prediction` predict further tokens."""
    name = fields.architecture
    trunk = layers - prediction
    if name in RECURRENT or name == "falcon-h1":
        return (True,) * layers
    if name in _EVERY_FOURTH_ATTENDS or name in _INTERVALS:
        return _listed(fields, layers, trunk)
    if name not in HYBRID or name == "deepseek4":
        return (False,) * layers
    kv_heads = fields.per_layer("attention.head_count_kv", layers, [1] * layers)
    widths = fields.per_layer("feed_forward_length", layers)
    return tuple(
        layer < trunk and kv_heads[layer] == 0 and (name not in _NEMOTRON or widths[layer] == 0)
        for layer in range(layers)
    )


def attends(fields: Fields, layers: int, prediction: int) -> tuple[bool, ...]:
    """Say of each layer whether the cache of the main context has cells for it."""
    name = fields.architecture
    trunk = layers - prediction
    if name in RECURRENT:
        return (False,) * layers
    if name == "falcon-h1":
        return (True,) * layers
    states = recurrent_layers(fields, layers, prediction)
    if name in _NEMOTRON:
        widths = fields.per_layer("feed_forward_length", layers)
        return tuple(not states[layer] and widths[layer] == 0 for layer in range(layers))
    if name in HYBRID and name not in _EVERY_FOURTH_ATTENDS | set(_INTERVALS) | {"glm5-next"}:
        return tuple(not state for state in states)
    # a model that is nothing but prediction layers attends in them
    everywhere = not trunk or name in _PREDICTION_ATTENDS
    return tuple(not states[layer] and (layer < trunk or everywhere) for layer in range(layers))


def state_sizes(fields: Fields, layers: int, prediction: int, width: int) -> list[int]:
    """Return the elements (float32) of the state of one sequence in each layer; `width`: of the
    hidden state.
    """
    keeping = recurrent_layers(fields, layers, prediction)
    heads = fields.per_layer("attention.head_count", 1)[0]
    size = _state(fields, heads, width)
    history = _history(fields, width)
    remembering = fields.array("ple.layers") or []
    return [
        (size + (history if layer in remembering else 0)) if keeps else 0
        for layer, keeps in enumerate(keeping)
    ]


def _state(fields: Fields, heads: int, width: int) -> int:
    rwkv = fields.number("wkv.head_size")
    if rwkv:
        return fields.number("token_shift_count", 2) * width + width * rwkv
    short = fields.number("shortconv.l_cache")
    if short:
        return width * (short - 1)
    kernel = fields.number("ssm.conv_kernel")
    delta = fields.number("kda.head_dim")
    if delta:
        return 3 * (kernel - 1 if kernel else 3) * heads * delta + delta * delta * heads
    inner, state = fields.number("ssm.inner_size"), fields.number("ssm.state_size")
    rolled = max(0, kernel - 1) * (inner + 2 * fields.number("ssm.group_count") * state)
    if fields.architecture == "minimax-01":
        key = fields.number("attention.key_length", width // heads if heads else 0)
        return rolled + key * key * heads
    return rolled + state * inner


def _history(fields: Fields, width: int) -> int:
    """Return the elements that layers with n-gram embeddings (`ple`) keep besides."""
    kernel = fields.number("ple.conv_kernel")
    streams = fields.number("hyper_connection.count")
    return max(0, kernel - 1) * fields.number("ple.ngram_size") * streams * width


def _listed(fields: Fields, layers: int, trunk: int) -> tuple[bool, ...]:
    if fields.has("attention.recurrent_layers"):
        flags = fields.per_layer("attention.recurrent_layers", layers)
        return tuple(bool(flag) for flag in flags)
    default = _INTERVALS.get(fields.architecture, 4)
    interval = fields.number("full_attention_interval", default) or default
    return tuple(layer < trunk and bool((layer + 1) % interval) for layer in range(layers))
