"""The Qwen2 architecture in its smallest useful size.

RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocab: int = 4096
    width: int = 256
    blocks: int = 4
    heads: int = 8
    kv_heads: int = 4
    feed_forward: int = 768
    rope_base: float = 10000.0
    norm_eps: float = 1e-6

    @property
    def head_width(self):
        return self.width // self.heads


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)


def rotate(x, cos, sin):
    """NeoX-style rotation: the two halves of a head are the two coordinates."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.q = nn.Linear(s.width, s.width)
        self.k = nn.Linear(s.width, s.kv_heads * s.head_width)
        self.v = nn.Linear(s.width, s.kv_heads * s.head_width)
        self.o = nn.Linear(s.width, s.width, bias=False)

    def forward(self, x, cos, sin):
        rows, length, _ = x.shape

        def split(y, heads):
            return y.view(rows, length, heads, -1).transpose(1, 2)

        q, k, v = (
            split(self.q(x), self.s.heads),
            split(self.k(x), self.s.kv_heads),
            split(self.v(x), self.s.kv_heads),
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        times = self.s.heads // self.s.kv_heads
        k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(y.transpose(1, 2).reshape(rows, length, -1))


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.attn_norm, self.ffn_norm = RMSNorm(s.width, s.norm_eps), RMSNorm(s.width, s.norm_eps)
        self.attn = Attention(s)
        self.gate, self.up = (
            nn.Linear(s.width, s.feed_forward, bias=False),
            nn.Linear(s.width, s.feed_forward, bias=False),
        )
        self.down = nn.Linear(s.feed_forward, s.width, bias=False)

    def forward(self, x, cos, sin):
        x = x + self.attn(self.attn_norm(x), cos, sin)
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.embed = nn.Embedding(s.vocab, s.width)
        self.blocks = nn.ModuleList(Block(s) for _ in range(s.blocks))
        self.norm = RMSNorm(s.width, s.norm_eps)
        for p in self.parameters():
            if p.ndim == 2:
                nn.init.normal_(p, std=0.02)
        for b in self.blocks:
            for p in (b.attn.o.weight, b.down.weight):
                nn.init.normal_(p, std=0.02 / (2 * s.blocks) ** 0.5)

    def forward(self, tokens):
        """Return the hidden states, (rows, length, width), of tokens, (rows, length)."""
        half = self.s.head_width // 2
        freq = self.s.rope_base ** (-torch.arange(half) / half)
        angle = torch.arange(tokens.shape[1])[:, None] * freq
        cos, sin = angle.cos(), angle.sin()
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)
