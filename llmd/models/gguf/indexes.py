"""What sparse attention (DeepSeek's lightning indexer and its kin) keeps beside the cache of keys.

From `create_memory` (src/llama-model.cpp), src/llama-kv-cache-dsa.cpp, -msa.cpp and
src/llama-memory-hybrid-idx.cpp of the pinned llama.cpp.
"""

from __future__ import annotations

from llmd.models.gguf.fields import Fields

_BY_TYPES = frozenset({"dots3note", "glm-dsa", "glm5-next", "hy_v4"})
_ALL = frozenset({"deepseek32", "qwen4exp"})
_FULL_WITHOUT_TYPES = frozenset({"glm-dsa", "glm5-next"})
_GLM_52_CONTEXT = 1048576


def index_widths(fields: Fields, layers: int, prediction: int) -> list[int]:
    """Return the elements that one token adds to the index of each layer, 0 where it has none."""
    name = fields.architecture
    width = fields.number("attention.indexer.key_length")
    trunk = layers - prediction
    if name == "minimax-m3":
        # the cache of this index is made like any other, with values that nothing reads
        values = fields.number("attention.value_length")
        lead = fields.number("leading_dense_block_count")
        return [width + values if layer >= lead else 0 for layer in range(layers)]
    if name in _ALL:
        return [width if layer < trunk else 0 for layer in range(layers)]
    if name not in _BY_TYPES or (name == "hy_v4" and not fields.number("attention.indexer.top_k")):
        return [0] * layers
    # keys, gates and pooled values
    width *= 3 if name == "glm5-next" else 1
    full = _full(fields, layers)
    return [width if layer < trunk and full[layer] else 0 for layer in range(layers)]


def _full(fields: Fields, layers: int) -> list[int]:
    """Say of each layer whether it has an index of its own."""
    if fields.architecture not in _FULL_WITHOUT_TYPES:
        return fields.per_layer("attention.indexer.types", layers)
    default = [1] * layers
    if fields.architecture == "glm-dsa" and fields.number("context_length") >= _GLM_52_CONTEXT:
        default = ([1, 1] + [1, 0, 0, 0] * layers)[:layers]
    return fields.per_layer("attention.indexer.types", layers, default)
