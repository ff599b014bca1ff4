"""What a tensor is for, and in which layer, by its name.

Names are llama.cpp's (LLM_TENSOR_NAMES in src/llama-arch.cpp of the pinned version).
"""

from __future__ import annotations

import re
from enum import StrEnum


class Role(StrEnum):
    """What a tensor is for; the order is that of showing."""

    EMBEDDING = "embedding"
    ATTENTION = "attention"
    RECURRENT = "recurrent"
    FEED_FORWARD = "feed_forward"
    EXPERTS = "experts"
    PREDICTION = "prediction"
    OUTPUT = "output"
    NORMS = "norms"
    OTHER = "other"


_BLOCK = re.compile(r"(?:enc\.|dec\.)?(?:blk|convnext|posnet)\.(\d{1,4})\.(.+)")
# as llama.cpp's own --cpu-moe (LLM_FFN_EXPS_REGEX in common/common.h), and the old file layout
_EXPERTS = re.compile(r"ffn_(?:up|down|gate|gate_up)(?:_(?:ch)?exps\b|\.\d+\.)")
_INPUT = re.compile(
    r"(?:token_embd|position_embd|token_types|per_layer_token_embd|masked_embd_\w+)\."
)
_OUTPUT = re.compile(
    r"(?:dec\.|enc\.)?output|cls|dense_|altup_|fc\.|d2t|markov_|conf_proj|selector_|nextn\.post"
)
_NORM = re.compile(r"norm|ln\b")
_ROLES = (
    (Role.PREDICTION, re.compile(r"nextn\.")),
    (Role.EXPERTS, _EXPERTS),
    (Role.NORMS, _NORM),
    (Role.RECURRENT, re.compile(r"ssm_|shortconv|time_mix_|channel_mix_|conv")),
    (Role.ATTENTION, re.compile(r"(?:cross_)?attn|indexer|vis_attn")),
    (Role.FEED_FORWARD, re.compile(r"ffn_|vis_(?:gate|down|up)|exp_probs|laurel|pw\d")),
)
_OUTSIDE = (
    (Role.EMBEDDING, re.compile(r"token_embd\.|position_embd|token_types|per_layer_")),
    (Role.NORMS, re.compile(r".*norm")),
    (Role.OUTPUT, re.compile(r"output|cls|dense_|dec\.output")),
)


def layer_of(name: str) -> int | None:
    """Return the layer a tensor belongs to; None: it stands outside of them."""
    found = _BLOCK.match(name)
    return int(found[1]) if found else None


def role_of(name: str) -> Role:
    """Return what a tensor is for."""
    found = _BLOCK.match(name)
    if found is None:
        return next((role for role, sort in _OUTSIDE if sort.match(name)), Role.OTHER)
    return next((role for role, sort in _ROLES if sort.search(found[2])), Role.OTHER)


def is_input(name: str) -> bool:
    """Whether llama.cpp keeps a tensor in the memory of the CPU, since it is only looked up in."""
    return bool(_INPUT.match(name))


def is_output(name: str) -> bool:
    """Whether a tensor lies where the last step is computed, behind the layers."""
    return layer_of(name) is None and bool(_OUTPUT.match(name))


def is_expert(name: str) -> bool:
    """Whether a tensor holds routed experts."""
    found = _BLOCK.match(name)
    return bool(found and _EXPERTS.match(found[2]))
