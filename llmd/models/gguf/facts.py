"""What memory a model will take depends on, known from its header alone: bytes of weights and the
shape of the cache, layer by layer.

Everything is as the pinned llama.cpp will see it, not as papers have it: a layer that is said to
attend but shares the cache of another adds nothing to the cache. Sources are `llama_hparams` and
`create_memory` of llama.cpp (src/llama-hparams.cpp, src/llama-model.cpp).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Window(StrEnum):
    """How windowed layers look back."""

    NONE = "none"
    STANDARD = "standard"
    """Over the last `window` tokens."""
    CHUNKED = "chunked"
    """To the last multiple of `window`."""
    SYMMETRIC = "symmetric"
    """Half a window back and half a window on (encoders)."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Tensors that lie together."""

    size: int = 0
    """Bytes."""
    parameters: int = 0
    types: dict[str, int] = {}
    """Bytes by tensor type, such as `Q4_K`."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the model."""

    dense: Weights = Weights()
    """All its tensors but those of routed experts."""
    experts: Weights = Weights()
    """Tensors of routed experts, all of them together; `cpu_moe` keeps these off the GPU."""
    heads: int = 0
    """Of queries."""
    kv_heads: int = 0
    key_length: int = 0
    """Elements of a key, of one head."""
    value_length: int = 0
    feed_forward: int = 0
    """Width of its feed-forward part, of one expert where there are experts."""
    experts_used: int = 0
    """Routed experts that a token passes through."""
    cached_keys: int = 0
    """Elements that one token adds to the cache of keys of this layer; 0: it has none."""
    cached_values: int = 0
    """The same for values; 0 with multi-head latent attention, whose keys hold both."""
    cached_index: int = 0
    """Elements that one token adds to the index of sparse attention, in the type of the keys."""
    windowed: bool = False
    """Whether it attends to a window only."""
    state: int = 0
    """Elements (float32) of the state that each sequence id has here; 0: it keeps none."""
    compression: int = 0
    """Tokens that share one more, compressed cell (DeepSeek 4); 0: there are none such."""
    compressed: int = 0
    """Elements of a compressed cell, in the type of the keys."""
    prediction: bool = False
    """Whether it predicts further tokens (MTP): it is loaded only where that is wanted, and its
    cache is one of its own.
    """


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What memory a model will take depends on."""

    architecture: str
    size: int
    """Bytes of all files."""
    parameters: int
    active_parameters: int
    """Those that take part in one token: all but the routed experts it does not pass through."""
    context_length: int
    """Tokens it was trained for; 0: it does not say."""
    width: int
    """Of the hidden state between layers."""
    output_width: int
    """Of the vectors it gives, as far as they differ from the hidden state."""
    vocabulary: int
    """Tokens."""
    layers: list[Layer]
    input: Weights = Weights()
    """Token embeddings and what else is looked up, always in the memory of the CPU."""
    output: Weights = Weights()
    """What stands behind the last layer; offloaded together."""
    tied: bool = False
    """Whether the token embeddings, `embedding` bytes, serve as the output too; then llama.cpp
    puts a second copy of them where the output lies, unless both are on the CPU.
    """
    embedding: int = 0
    """Bytes of the token embeddings, part of `input`."""
    window: int = 0
    """Tokens that windowed layers look back."""
    window_kind: Window = Window.NONE
    latent: bool = False
    """Whether attention is multi-head latent (MLA) and caches no values."""
    has_cache: bool = True
    """False: an encoder that reads its whole input in one go."""
    causal: bool = True
    """Whether tokens see earlier ones only."""
    separate_streams: bool = False
    """Whether each sequence has a cache of full length, shared caches notwithstanding."""
    experts: int = 0
    """Routed experts of a layer."""
    shared_experts: int = 0
    prediction_layers: int = 0

    @property
    def recurrent(self) -> bool:
        """Whether some layers keep a state."""
        return any(layer.state for layer in self.layers)

    @property
    def hybrid(self) -> bool:
        """Whether some layers keep a state and others cells."""
        return self.recurrent and any(layer.cached_keys for layer in self.layers)

    @property
    def weights(self) -> int:
        """Bytes of all tensors, prediction layers included."""
        inside = sum(layer.dense.size + layer.experts.size for layer in self.layers)
        return inside + self.input.size + self.output.size
