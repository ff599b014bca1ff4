from __future__ import annotations

from llmd.models.gguf.file_types import TENSOR_TYPES
from llmd.models.gguf.header import Tensor
from llmd.models.gguf.weighing import layers_named, weigh


def tensor(name: str, count: int = 32, kind: int = 0) -> Tensor:
    return Tensor(name, (count,), TENSOR_TYPES[kind], 0)


def test_tensors_are_sorted_into_input_layers_and_output() -> None:
    found = weigh(
        [
            tensor("token_embd.weight", 64, 2),
            tensor("blk.0.attn_q.weight", 32, 2),
            tensor("blk.0.attn_norm.weight"),
            tensor("blk.1.ffn_up_exps.weight", 320),
            tensor("rope_freqs.weight", 1),
            tensor("blk.7.attn_q.weight", 1),
            tensor("output_norm.weight"),
        ],
        2,
    )
    assert (found.input.size, found.embedding) == (36, 36)
    # what has no place of its own lies with the first layer
    assert found.dense[0].size == 18 + 128 + 4 + 4
    assert found.dense[0].types == {"F32": 136, "Q4_0": 18}
    assert (found.experts[1].size, found.experts[1].parameters) == (1280, 320)
    assert found.output.size == 128
    assert found.tied


def test_an_output_of_its_own_is_not_tied() -> None:
    assert not weigh([tensor("token_embd.weight"), tensor("output.weight")], 1).tied
    assert not weigh([tensor("blk.0.x.weight")], 1).tied


def test_a_model_of_no_layers_has_room_for_the_rest() -> None:
    assert weigh([tensor("something")], 0).dense[0].size == 128


def test_names_tell_how_many_layers_there_are() -> None:
    assert layers_named([tensor("blk.4.x"), tensor("output.weight"), tensor("blk.1.x")]) == 5
    assert layers_named([]) == 0
