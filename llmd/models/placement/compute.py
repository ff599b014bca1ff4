"""How large the buffers of llama.cpp's compute graph come out.

llama.cpp reserves them for the worst graph of a context (`sched_reserve` in src/llama-context.cpp)
with an allocator that reuses what is free again, so that their size is that of the widest place:
masks of attention, which live through all layers, and the widest of what a layer holds at a time;
or, where that is more, the logits. The widths below, in float32 per token, were found by comparing
with the figures of the pinned llama.cpp for 110 architectures and 8 shapes of the context each
(nothing but their metadata, with `no_alloc`); they are within 8 percent for all that is not named
in `_SPARSE`.
"""

from __future__ import annotations

from llmd.models.gguf.architectures import ENCODERS
from llmd.models.gguf.facts import Facts, Layer
from llmd.models.placement.shape import Run, layer_cells

_FLOAT = 4
_HALF = 2
_INPUTS = 8
"""Position, token, and two places in the cache for each token."""

_BESIDE_LOGITS = {False: 2, True: 5}
"""Hidden states that live beside the logits, without and with experts."""

_UNGATED = frozenset(
    """
    arcee bert bloom codeshell falcon gpt2 gptneox jais2 jina-bert-v3 mpt nemotron nomic-bert-moe
    phi2 pockettts starcoder starcoder2
    """.split()
)
"""Architectures whose feed-forward part has no gate."""

_STORES_SCORES = frozenset({"grok"})
"""Architectures that llama.cpp runs without flash attention, whatever is asked for."""

_DELTA = frozenset("bailingmoe3 kimi-k3 kimi-linear qwen35 qwen35moe qwen3next".split())
"""Architectures with gated delta nets, which work on a copy of all states."""

_DELTA_STATE = 134
"""Elements of state for each element of the inner width: 128, and those of the convolution."""

_SPARSE = {
    "deepseek32": 26.3,
    "deepseek4": 49.4,
    "dots3note": 18.3,
    "glm-dsa": 26.3,
    "glm5-next": 334.0,
    "hy_v4": 26.6,
    "qwen4exp": 141.0,
}
"""Bytes for each token and cell that sparse attention takes to choose cells by; it depends on more
than is known here, and is right to a factor of two.
"""

UNCERTAIN = frozenset(_SPARSE)
"""Architectures whose buffers are guessed."""


def compute_size(facts: Facts, run: Run) -> int:
    """Return the bytes of the compute buffer of a context, on the one device that runs it."""
    flash = run.flash and facts.architecture not in _STORES_SCORES
    widest = max((_layer(facts, layer, run, flash=flash) for layer in facts.layers), default=0)
    reading = masks_size(facts, run) + run.padded * _FLOAT * _INPUTS + widest
    beside = _BESIDE_LOGITS[bool(facts.experts)] * facts.width
    logits = 0 if facts.architecture in ENCODERS else facts.vocabulary
    writing = run.outputs * _FLOAT * (logits + beside)
    return int(max(reading, writing))


def masks_size(facts: Facts, run: Run) -> int:
    """Return the bytes of what says who attends to whom."""
    flash = run.flash and facts.architecture not in _STORES_SCORES
    kinds = {layer.windowed: layer_cells(layer, run) for layer in facts.layers if layer.heads}
    cells = sum(kinds.values()) or run.cells
    if not facts.has_cache:
        cells = run.padded * (len(kinds) or 1)
    elif not any(layer.cached_keys for layer in facts.layers):
        cells = 0
    chosen = _SPARSE.get(facts.architecture, 0.0) * run.cells * run.padded
    return cells * run.padded * (_HALF if flash else _FLOAT) + int(chosen)


def output_size(facts: Facts, run: Run) -> int:
    """Return the bytes of the logits that are handed out, always in the memory of the CPU."""
    return 0 if run.in_place else max(run.outputs, run.sequences) * facts.vocabulary * _FLOAT


def _layer(facts: Facts, layer: Layer, run: Run, *, flash: bool) -> float:
    """Return the bytes that a layer holds at its widest place."""
    found = float(_feed_forward(facts, layer))
    if layer.heads and (layer.cached_keys or not facts.has_cache):
        found = max(found, _attention(facts, layer, run, flash=flash))
    states = _states(facts, layer, run) + _FLOAT * run.padded * _recurrence(facts, layer)
    return max(_FLOAT * run.padded * found, states)


def _feed_forward(facts: Facts, layer: Layer) -> int:
    width, inner = facts.width, layer.feed_forward
    if facts.architecture == "qwen":
        inner //= 2  # the file gives the width of gate and rest together
    if not layer.experts_used:
        gates = 1 if facts.architecture in _UNGATED else 3
        return gates * inner + 4 * width
    inner *= layer.experts_used
    spread = layer.experts_used * width
    # what experts give goes where gates were, if it is no larger
    return 3 * inner + 4 * width + (spread if spread > 2 * inner else 0)


def _attention(facts: Facts, layer: Layer, run: Run, *, flash: bool) -> float:
    queries = layer.heads * layer.key_length
    cells = layer_cells(layer, run) if facts.has_cache else run.padded
    scores = 0 if flash else layer.heads * cells
    if facts.latent:
        # queries before and after they are projected into the latent space, and what comes back
        return (
            scores
            + 1.29 * layer.heads * (layer.key_length + layer.value_length)
            + (4 * facts.width)
        )
    return scores + 4 * facts.width + (0 if flash else 2 * queries)


def _recurrence(facts: Facts, layer: Layer) -> float:
    if not layer.state:
        return 0
    if facts.architecture in _DELTA:
        return 7 * (layer.state / _DELTA_STATE) + facts.width
    if _is_short(facts, layer):
        return 0
    return 14 * facts.width


def _states(facts: Facts, layer: Layer, run: Run) -> int:
    """Return the bytes of the states that a layer gathers for all sequences."""
    if not layer.state or _is_short(facts, layer):
        return 0
    copies = 2 if facts.architecture in _DELTA else 1
    return copies * layer.state * run.sequences * _FLOAT


def _is_short(facts: Facts, layer: Layer) -> bool:
    """Whether the state is that of a short convolution, or of token shifts."""
    return layer.state <= _FLOAT * facts.width
