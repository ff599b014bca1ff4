"""Writes GGUFs of real architectures and considerable size that take no room on the disk.

Their weights are a hole in the file, which reads as zeros: they say nothing, but llama.cpp
allocates for them exactly what it does for trained ones of their shape.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

from tests.fakes.random_model import CHATML, make_vocabulary

VOCABULARY = 8192
WIDTH = 512
HEADS = 8
KV_HEADS = 2
HEAD = 64
FEED_FORWARD = 1536
BLOCKS = 4
EXPERTS = 8
EXPERTS_USED = 2
EXPERT_FEED_FORWARD = 384
WINDOW = 512
_LATENT = 512
_QUERY_LATENT = 256
_ROTATED = 64
_STATE = 128
_INNER = 2 * WIDTH
_CONVOLUTION = 4
_ALIGNMENT = 32


class _Weights:
    """Describes tensors; sizes are given as llama.cpp has them, the fastest dimension first."""

    def __init__(self, writer: gguf.GGUFWriter, kind: gguf.GGMLQuantizationType) -> None:
        self._writer = writer
        self._kind = kind
        self.size = 0

    def matrix(self, name: str, *shape: int) -> None:
        self._add(f"{name}.weight", shape, self._kind)

    def plain(self, name: str, *shape: int) -> None:
        self._add(name, shape, gguf.GGMLQuantizationType.F32)

    def norm(self, name: str, size: int = WIDTH) -> None:
        self.plain(f"{name}.weight", size)

    def _add(self, name: str, shape: tuple[int, ...], kind: gguf.GGMLQuantizationType) -> None:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        total = int(np.prod(shape)) // block * size
        self._writer.add_tensor_info(name, shape[::-1], np.dtype(np.float32), total, kind)
        self.size += -(-total // _ALIGNMENT) * _ALIGNMENT

    def attention(self, at: str, *, norms: bool = False) -> None:
        for part, size in (("q", HEADS * HEAD), ("k", KV_HEADS * HEAD), ("v", KV_HEADS * HEAD)):
            self.matrix(f"{at}.attn_{part}", WIDTH, size)
        self.matrix(f"{at}.attn_output", HEADS * HEAD, WIDTH)
        if norms:
            self.norm(f"{at}.attn_q_norm", HEAD)
            self.norm(f"{at}.attn_k_norm", HEAD)

    def feed_forward(self, at: str) -> None:
        self.norm(f"{at}.ffn_norm")
        self.matrix(f"{at}.ffn_gate", WIDTH, FEED_FORWARD)
        self.matrix(f"{at}.ffn_up", WIDTH, FEED_FORWARD)
        self.matrix(f"{at}.ffn_down", FEED_FORWARD, WIDTH)

    def experts(self, at: str) -> None:
        self.norm(f"{at}.ffn_norm")
        self.plain(f"{at}.ffn_gate_inp.weight", WIDTH, EXPERTS)
        self.matrix(f"{at}.ffn_gate_exps", WIDTH, EXPERT_FEED_FORWARD, EXPERTS)
        self.matrix(f"{at}.ffn_up_exps", WIDTH, EXPERT_FEED_FORWARD, EXPERTS)
        self.matrix(f"{at}.ffn_down_exps", EXPERT_FEED_FORWARD, WIDTH, EXPERTS)


def _dense(writer: gguf.GGUFWriter, weights: _Weights, at: str) -> None:
    weights.norm(f"{at}.attn_norm")
    weights.attention(at)
    weights.feed_forward(at)


def _moe(writer: gguf.GGUFWriter, weights: _Weights, at: str) -> None:
    weights.norm(f"{at}.attn_norm")
    weights.attention(at, norms=True)
    weights.experts(at)


def _swa(writer: gguf.GGUFWriter, weights: _Weights, at: str) -> None:
    weights.norm(f"{at}.attn_norm")
    weights.attention(at, norms=True)
    weights.feed_forward(at)
    weights.norm(f"{at}.post_attention_norm")
    weights.norm(f"{at}.post_ffw_norm")


def _mla(writer: gguf.GGUFWriter, weights: _Weights, at: str) -> None:
    weights.norm(f"{at}.attn_norm")
    weights.matrix(f"{at}.attn_q_a", WIDTH, _QUERY_LATENT)
    weights.norm(f"{at}.attn_q_a_norm", _QUERY_LATENT)
    weights.matrix(f"{at}.attn_q_b", _QUERY_LATENT, HEADS * (HEAD + _ROTATED))
    weights.matrix(f"{at}.attn_kv_a_mqa", WIDTH, _LATENT + _ROTATED)
    weights.norm(f"{at}.attn_kv_a_norm", _LATENT)
    weights.matrix(f"{at}.attn_k_b", HEAD, _LATENT, HEADS)
    weights.matrix(f"{at}.attn_v_b", _LATENT, HEAD, HEADS)
    weights.matrix(f"{at}.attn_output", HEADS * HEAD, WIDTH)
    if at == "blk.0":
        weights.feed_forward(at)
        return
    weights.experts(at)
    weights.matrix(f"{at}.ffn_gate_shexp", WIDTH, EXPERT_FEED_FORWARD)
    weights.matrix(f"{at}.ffn_up_shexp", WIDTH, EXPERT_FEED_FORWARD)
    weights.matrix(f"{at}.ffn_down_shexp", EXPERT_FEED_FORWARD, WIDTH)


def _recurrent(writer: gguf.GGUFWriter, weights: _Weights, at: str) -> None:
    convolved = _INNER + 2 * _STATE
    weights.norm(f"{at}.attn_norm")
    weights.matrix(f"{at}.ssm_in", WIDTH, _INNER + convolved + HEADS)
    weights.plain(f"{at}.ssm_conv1d.weight", _CONVOLUTION, convolved)
    weights.plain(f"{at}.ssm_conv1d.bias", convolved)
    weights.plain(f"{at}.ssm_dt.bias", HEADS)
    weights.plain(f"{at}.ssm_a", 1, HEADS)
    weights.plain(f"{at}.ssm_d", 1, HEADS)
    weights.plain(f"{at}.ssm_norm.weight", _INNER, 1)
    weights.matrix(f"{at}.ssm_out", _INNER, WIDTH)


def _hybrid(writer: gguf.GGUFWriter, weights: _Weights, at: str) -> None:
    weights.norm(f"{at}.attn_norm")
    if at in {"blk.1", "blk.3"}:
        weights.attention(at, norms=True)
    else:
        weights.plain(f"{at}.shortconv.conv.weight", _CONVOLUTION, WIDTH)
        weights.matrix(f"{at}.shortconv.in_proj", WIDTH, 3 * WIDTH)
        weights.matrix(f"{at}.shortconv.out_proj", WIDTH, WIDTH)
    weights.feed_forward(at)


_KINDS: dict[str, tuple[str, Callable[[gguf.GGUFWriter, _Weights, str], None]]] = {
    "dense": ("llama", _dense),
    "moe": ("qwen3moe", _moe),
    "swa": ("gemma3", _swa),
    "mla": ("deepseek2", _mla),
    "recurrent": ("mamba2", _recurrent),
    "hybrid": ("lfm2", _hybrid),
}
KINDS = tuple(_KINDS)


def write_sparse_model(
    path: Path, kind: str, *, quantization: str = "Q8_0", blocks: int = BLOCKS
) -> Path:
    """Write the file and return its path; `kind` is one of KINDS, `quantization` that of its
    matrices.
    """
    architecture, add_block = _KINDS[kind]
    writer = gguf.GGUFWriter(str(path), architecture)
    make_vocabulary(writer, VOCABULARY)
    writer.add_chat_template(CHATML)
    writer.add_context_length(32768)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(7)
    _add_shape(writer, kind)
    weights = _Weights(writer, gguf.GGMLQuantizationType[quantization])
    weights.matrix("token_embd", WIDTH, VOCABULARY)
    weights.norm("token_embd_norm" if kind == "hybrid" else "output_norm")
    if kind in {"dense", "moe", "mla"}:
        weights.matrix("output", WIDTH, VOCABULARY)
    for block in range(blocks):
        add_block(writer, weights, f"blk.{block}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    head = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(-(-head // _ALIGNMENT) * _ALIGNMENT + weights.size)
    return path


def _add_shape(writer: gguf.GGUFWriter, kind: str) -> None:
    if kind == "recurrent":
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(_CONVOLUTION)
        writer.add_ssm_inner_size(_INNER)
        writer.add_ssm_state_size(_STATE)
        writer.add_ssm_time_step_rank(HEADS)
        writer.add_ssm_group_count(1)
        return
    writer.add_head_count(HEADS)
    if kind == "mla":
        writer.add_head_count_kv(1)
        writer.add_key_length(_LATENT + _ROTATED)
        writer.add_value_length(_LATENT)
        writer.add_key_length_mla(HEAD + _ROTATED)
        writer.add_value_length_mla(HEAD)
        writer.add_kv_lora_rank(_LATENT)
        writer.add_q_lora_rank(_QUERY_LATENT)
        writer.add_rope_dimension_count(_ROTATED)
        writer.add_leading_dense_block_count(1)
        writer.add_expert_shared_count(1)
    elif kind == "hybrid":
        writer.add_head_count_kv([0, KV_HEADS, 0, KV_HEADS])
        writer.add_shortconv_l_cache(_CONVOLUTION)
    else:
        writer.add_head_count_kv(KV_HEADS)
        writer.add_key_length(HEAD)
        writer.add_value_length(HEAD)
    if kind == "swa":
        writer.add_sliding_window(WINDOW)
    if kind in {"moe", "mla"}:
        writer.add_expert_count(EXPERTS)
        writer.add_expert_used_count(EXPERTS_USED)
        writer.add_expert_feed_forward_length(EXPERT_FEED_FORWARD)
