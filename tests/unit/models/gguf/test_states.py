from __future__ import annotations

import pytest

from llmd.models.gguf.fields import Fields
from llmd.models.gguf.states import attends, recurrent_layers, state_sizes


def fields(architecture: str, **values: object) -> Fields:
    dotted = {key.replace("__", "."): value for key, value in values.items()}
    return Fields({f"{architecture}.{key}": value for key, value in dotted.items()}, architecture)


def drawn(flags: tuple[bool, ...]) -> str:
    return "".join("x" if flag else "." for flag in flags)


@pytest.mark.parametrize(
    ("found", "states", "cells"),
    [
        (fields("llama"), "....", "xxxx"),
        (fields("mamba"), "xxxx", "...."),
        (fields("falcon-h1"), "xxxx", "xxxx"),
        (fields("jamba", attention__head_count_kv=[0, 0, 8, 0]), "xx.x", "..x."),
        (fields("qwen3next"), "xxx.", "...x"),
        (fields("qwen35", full_attention_interval=2), "x.x.", ".x.x"),
        (fields("qwen35", attention__recurrent_layers=[1, 0, 0, 1]), "x..x", ".xx."),
        (fields("minimax-01"), "xxxx", "...."),
        (
            fields(
                "nemotron_h",
                attention__head_count_kv=[0, 8, 0, 0],
                feed_forward_length=[0, 0, 64, 0],
            ),
            "x..x",
            ".x..",
        ),
    ],
)
def test_layers_keep_states_or_cells(found: Fields, states: str, cells: str) -> None:
    assert drawn(recurrent_layers(found, 4, 0)) == states
    assert drawn(attends(found, 4, 0)) == cells


def test_prediction_layers_have_no_cells_in_the_main_cache() -> None:
    assert drawn(attends(fields("glm4moe"), 4, 1)) == "xxx."
    assert drawn(attends(fields("qwen35"), 5, 1)) == "...x."
    assert drawn(recurrent_layers(fields("qwen35"), 5, 1)) == "xxx.."
    # a model that consists of nothing else has no other cache
    assert drawn(attends(fields("eagle3"), 1, 1)) == "x"


def test_states_have_the_size_of_their_kind() -> None:
    mamba = fields(
        "mamba2", ssm__conv_kernel=4, ssm__inner_size=128, ssm__state_size=16, ssm__group_count=1
    )
    assert state_sizes(mamba, 2, 0, 64) == [3 * (128 + 32) + 16 * 128] * 2
    assert state_sizes(fields("rwkv6", wkv__head_size=64), 1, 0, 512) == [2 * 512 + 512 * 64]
    lfm = fields("lfm2", shortconv__l_cache=3, attention__head_count_kv=[0, 2])
    assert state_sizes(lfm, 2, 0, 64) == [128, 0]
    kimi = fields(
        "kimi-linear",
        kda__head_dim=8,
        ssm__conv_kernel=4,
        attention__head_count=2,
        attention__head_count_kv=[0],
    )
    assert state_sizes(kimi, 1, 0, 64) == [3 * 3 * 16 + 8 * 8 * 2]
    lightning = fields("minimax-01", attention__head_count=2)
    assert state_sizes(lightning, 8, 0, 64) == [32 * 32 * 2] * 7 + [0]


def test_hostile_figures_give_some_size() -> None:
    odd = fields("mamba", ssm__conv_kernel=0, ssm__inner_size=-5, ssm__state_size="x")
    assert state_sizes(odd, 1, 0, 0) == [0]
    assert state_sizes(fields("qwen3next", full_attention_interval=0), 4, 0, 1) == [0] * 4
