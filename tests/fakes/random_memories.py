"""Writes small GGUFs with random weights whose memory is no plain KV cache.

llama.cpp keeps what a model remembers in one of four ways, and a prefix cache must know which: a KV
cache (`random_model.py` and the built-in model), a KV cache of which some layers look back over a
window only (`swa`, of the gemma2 architecture), one state for the whole sequence (`recurrent`,
mamba2), or states in some layers and KV in others (`hybrid`, lfm2). Each file has 1,024 made-up
tokens and less than 1 MB; a step of its decoding takes about a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

from tests.fakes.random_model import CHATML, make_vocabulary

VOCABULARY = 1024
WIDTH = 64
HEADS = 4
KV_HEADS = 2
FEED_FORWARD = 128
BLOCKS = 2
WINDOW = 32
"""Tokens that the windowed layers of the `swa` model look back."""
_STATE = 16
_INNER = 2 * WIDTH
_CONVOLUTION = 4


class _Weights:
    """Adds random tensors; sizes are given as llama.cpp has them, the fastest dimension first."""

    def __init__(self, writer: gguf.GGUFWriter) -> None:
        self._writer = writer
        self._rng = np.random.default_rng(3)

    def matrix(self, name: str, inputs: int, outputs: int) -> None:
        data = self._rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
        self._writer.add_tensor(f"{name}.weight", data.astype(np.float32))

    def ones(self, name: str, size: int) -> None:
        self._writer.add_tensor(f"{name}.weight", np.ones(size, np.float32))

    def column(self, name: str, size: int, low: float, high: float, *, flat: bool = False) -> None:
        data = self._rng.uniform(low, high, size if flat else (size, 1))
        self._writer.add_tensor(name, data.astype(np.float32))

    def attention(self, at: str) -> None:
        kv_width = WIDTH // HEADS * KV_HEADS
        for part, size in (("q", WIDTH), ("k", kv_width), ("v", kv_width), ("output", WIDTH)):
            self.matrix(f"{at}.attn_{part}", WIDTH, size)

    def feed_forward(self, at: str) -> None:
        self.ones(f"{at}.ffn_norm", WIDTH)
        self.matrix(f"{at}.ffn_gate", WIDTH, FEED_FORWARD)
        self.matrix(f"{at}.ffn_up", WIDTH, FEED_FORWARD)
        self.matrix(f"{at}.ffn_down", FEED_FORWARD, WIDTH)


def _swa(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_sliding_window(WINDOW)
    weights.ones("output_norm", WIDTH)
    for block in range(BLOCKS):
        at = f"blk.{block}"
        weights.ones(f"{at}.attn_norm", WIDTH)
        weights.attention(at)
        weights.feed_forward(at)
        weights.ones(f"{at}.post_attention_norm", WIDTH)
        weights.ones(f"{at}.post_ffw_norm", WIDTH)


def _recurrent(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(_CONVOLUTION)
    writer.add_ssm_inner_size(_INNER)
    writer.add_ssm_state_size(_STATE)
    writer.add_ssm_time_step_rank(HEADS)
    writer.add_ssm_group_count(1)
    weights.ones("output_norm", WIDTH)
    convolved = _INNER + 2 * _STATE
    for block in range(BLOCKS):
        at = f"blk.{block}"
        weights.ones(f"{at}.attn_norm", WIDTH)
        weights.matrix(f"{at}.ssm_in", WIDTH, _INNER + convolved + HEADS)
        weights.matrix(f"{at}.ssm_conv1d", _CONVOLUTION, convolved)
        weights.column(f"{at}.ssm_conv1d.bias", convolved, -0.1, 0.1, flat=True)
        weights.column(f"{at}.ssm_dt.bias", HEADS, -3.0, -1.0, flat=True)
        weights.column(f"{at}.ssm_a", HEADS, -1.0, -0.1)
        weights.column(f"{at}.ssm_d", HEADS, 0.5, 1.5)
        writer.add_tensor(f"{at}.ssm_norm.weight", np.ones((1, _INNER), np.float32))
        weights.matrix(f"{at}.ssm_out", _INNER, WIDTH)


def _hybrid(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    writer.add_head_count(HEADS)
    writer.add_head_count_kv([0, KV_HEADS])  # 0: a convolution instead of attention
    writer.add_shortconv_l_cache(_CONVOLUTION)
    weights.ones("token_embd_norm", WIDTH)
    for block in range(BLOCKS):
        at = f"blk.{block}"
        weights.ones(f"{at}.attn_norm", WIDTH)
        if block:
            weights.attention(at)
            weights.ones(f"{at}.attn_q_norm", WIDTH // HEADS)
            weights.ones(f"{at}.attn_k_norm", WIDTH // HEADS)
        else:
            weights.matrix(f"{at}.shortconv.conv", _CONVOLUTION, WIDTH)
            weights.matrix(f"{at}.shortconv.in_proj", WIDTH, 3 * WIDTH)
            weights.matrix(f"{at}.shortconv.out_proj", WIDTH, WIDTH)
        weights.feed_forward(at)


_KINDS: dict[str, tuple[str, Callable[[gguf.GGUFWriter, _Weights], None]]] = {
    "swa": ("gemma2", _swa),
    "recurrent": ("mamba2", _recurrent),
    "hybrid": ("lfm2", _hybrid),
}


def write_random_memory(path: Path, kind: str, *, context: int = 32768) -> Path:
    """Write the file and return its path; `kind` is swa, recurrent or hybrid."""
    architecture, add_blocks = _KINDS[kind]
    writer = gguf.GGUFWriter(str(path), architecture)
    make_vocabulary(writer, VOCABULARY)
    writer.add_chat_template(CHATML)
    writer.add_name(f"random-{kind}")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(0)
    weights = _Weights(writer)
    weights.matrix("token_embd", WIDTH, VOCABULARY)
    add_blocks(writer, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
