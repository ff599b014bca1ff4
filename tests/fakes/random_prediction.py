"""Writes a small GGUF with a prediction layer, of the glm4moe architecture: dense blocks, then the
layer with its two experts.

The trunk's blocks add nothing to what they read, so the model says after each token what its
embedding alone makes likely: a chain. The prediction layer is one of three kinds: `faithful` looks
at the last token alone, continues that chain and is always right; `echo` looks at the hidden state
before it alone, and so says the last token once more; `random` is nearly always wrong.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from tests.fakes.random_model import CHATML, make_vocabulary

Floats = npt.NDArray[np.float64]

VOCABULARY = 1024
WIDTH = 64
HEADS = 4
KV_HEADS = 2
FEED_FORWARD = 128
BLOCKS = 2
EXPERTS = 2
_SURE = 30.0
"""Factor of the output weights that makes the likeliest token nearly certain."""


class _Weights:
    """Adds tensors to a file."""

    def __init__(self, writer: gguf.GGUFWriter) -> None:
        self._writer = writer
        self._rng = np.random.default_rng(11)

    def add(self, name: str, data: Floats) -> None:
        self._writer.add_tensor(f"{name}.weight", data.astype(np.float32))

    def random(self, *shape: int) -> Floats:
        return self._rng.standard_normal(shape) / np.sqrt(WIDTH)

    def attention(self, at: str, strength: float) -> None:
        kv_width = WIDTH // HEADS * KV_HEADS
        for norm in ("attn_norm", "post_attention_norm"):
            self.add(f"{at}.{norm}", np.ones(WIDTH))
        for part, size in (("q", WIDTH), ("k", kv_width), ("v", kv_width)):
            self.add(f"{at}.attn_{part}", self.random(size, WIDTH))
        self.add(f"{at}.attn_output", strength * self.random(WIDTH, WIDTH))

    def feed_forward(self, at: str, kind: str, strength: float, *experts: int) -> None:
        self.add(f"{at}.ffn_gate{kind}", self.random(*experts, FEED_FORWARD, WIDTH))
        self.add(f"{at}.ffn_up{kind}", self.random(*experts, FEED_FORWARD, WIDTH))
        down = self.random(*experts, WIDTH, FEED_FORWARD)
        self.add(f"{at}.ffn_down{kind}", strength * down)

    def trunk(self) -> None:
        self.add("token_embd", self.random(VOCABULARY, WIDTH) * np.sqrt(WIDTH))
        self.add("output", _SURE * self.random(VOCABULARY, WIDTH))
        self.add("output_norm", np.ones(WIDTH))
        for number in range(BLOCKS):
            self.attention(f"blk.{number}", 0.0)
            self.feed_forward(f"blk.{number}", "", 0.0)

    def prediction(self, at: str, kind: str) -> None:
        strength = 1.0 if kind == "random" else 0.0
        self.attention(at, strength)
        self.feed_forward(at, "_exps", strength, EXPERTS)
        self.feed_forward(at, "_shexp", strength)
        self.add(f"{at}.ffn_gate_inp", self.random(EXPERTS, WIDTH))
        self._writer.add_tensor(f"{at}.exp_probs_b.bias", np.zeros(EXPERTS, np.float32))
        for norm in ("enorm", "hnorm"):
            self.add(f"{at}.nextn.{norm}", np.ones(WIDTH))
        # what the layer reads: the embedding of a token, then the hidden state before it
        one, nothing = np.eye(WIDTH), np.zeros((WIDTH, WIDTH))
        parts = {"faithful": (one, nothing), "echo": (nothing, one)}
        mixed = (self.random(WIDTH, WIDTH), self.random(WIDTH, WIDTH))
        self.add(f"{at}.nextn.eh_proj", np.concatenate(parts.get(kind, mixed), axis=1))


def write_random_prediction(path: Path, kind: str, *, context: int = 4096) -> Path:
    """Write the file, less than 1 MB, and return its path."""
    writer = gguf.GGUFWriter(str(path), "glm4moe")
    make_vocabulary(writer, VOCABULARY)
    writer.add_chat_template(CHATML)
    writer.add_name(f"random-prediction-{kind}")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS + 1)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_expert_count(EXPERTS)
    writer.add_expert_used_count(1)
    writer.add_expert_shared_count(1)
    writer.add_expert_feed_forward_length(FEED_FORWARD)
    writer.add_leading_dense_block_count(BLOCKS)
    writer.add_nextn_predict_layers(1)
    writer.add_file_type(0)
    weights = _Weights(writer)
    weights.trunk()
    weights.prediction(f"blk.{BLOCKS}", kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
