from __future__ import annotations

import pytest

from llmd.models.gguf.tensor_roles import Role, is_expert, is_input, is_output, layer_of, role_of


@pytest.mark.parametrize(
    ("name", "role", "layer"),
    [
        ("token_embd.weight", Role.EMBEDDING, None),
        ("per_layer_token_embd.weight", Role.EMBEDDING, None),
        ("position_embd.weight", Role.EMBEDDING, None),
        ("token_embd_norm.weight", Role.NORMS, None),
        ("output.weight", Role.OUTPUT, None),
        ("output_norm.weight", Role.NORMS, None),
        ("cls.output.weight", Role.OUTPUT, None),
        ("rope_freqs.weight", Role.OTHER, None),
        ("blk.0.attn_q.weight", Role.ATTENTION, 0),
        ("blk.12.attn_kv_a_mqa.weight", Role.ATTENTION, 12),
        ("blk.3.attn_norm.weight", Role.NORMS, 3),
        ("blk.3.ssm_norm.weight", Role.NORMS, 3),
        ("blk.3.ssm_in.weight", Role.RECURRENT, 3),
        ("blk.3.shortconv.in_proj.weight", Role.RECURRENT, 3),
        ("blk.3.time_mix_key.weight", Role.RECURRENT, 3),
        ("blk.3.ffn_up.weight", Role.FEED_FORWARD, 3),
        ("blk.3.ffn_gate_shexp.weight", Role.FEED_FORWARD, 3),
        ("blk.3.ffn_gate_inp.weight", Role.FEED_FORWARD, 3),
        ("blk.3.ffn_gate_up_exps.weight", Role.EXPERTS, 3),
        ("blk.3.ffn_down_chexps.weight", Role.EXPERTS, 3),
        ("blk.3.ffn_up.17.weight", Role.EXPERTS, 3),
        ("blk.61.nextn.eh_proj.weight", Role.PREDICTION, 61),
        ("enc.blk.2.attn_q.weight", Role.ATTENTION, 2),
        ("dec.blk.2.cross_attn_q.weight", Role.ATTENTION, 2),
        ("blk.99999.attn_q.weight", Role.OTHER, None),
        ("blk.-1.attn_q.weight", Role.OTHER, None),
        ("", Role.OTHER, None),
    ],
)
def test_names_tell_what_a_tensor_is_for(name: str, role: Role, layer: int | None) -> None:
    assert role_of(name) is role
    assert layer_of(name) == layer


def test_experts_are_those_that_llama_cpp_keeps_off_the_gpu() -> None:
    assert is_expert("blk.1.ffn_down_exps.weight")
    assert is_expert("blk.1.ffn_gate.3.weight")
    assert not is_expert("blk.1.ffn_down_shexp.weight")
    assert not is_expert("blk.1.ffn_down.weight")
    assert not is_expert("ffn_down_exps.weight")


def test_input_and_output_lie_outside_of_the_layers() -> None:
    assert is_input("token_embd.weight")
    assert not is_input("token_embd_norm.weight")
    assert is_output("output.weight")
    assert is_output("output_norm.weight")
    assert is_output("cls.weight")
    assert not is_output("blk.0.attn_output.weight")
