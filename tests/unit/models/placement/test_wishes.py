from __future__ import annotations

from typing import Any

import pytest

from llmd.config.settings import CacheType, EngineSettings, PlacementSettings, Settings
from llmd.errors import InvalidRequest
from llmd.models.placement.wishes import read_split
from tests.unit.models.placement.conftest import facts, layer, moe, wishes


def test_a_context_that_nobody_asked_for_is_the_trained_one_up_to_8192() -> None:
    assert wishes(facts(context_length=2048)).context_length == 2048
    assert wishes(facts(context_length=131_072)).context_length == 8192
    assert wishes(facts(context_length=0)).context_length == 8192
    assert not wishes().asked_context


def test_a_context_that_nobody_asked_for_is_held_by_the_cache_that_somebody_did() -> None:
    assert wishes(facts(context_length=131_072), kv_tokens=2000).context_length == 2048
    assert wishes(facts(context_length=1024), kv_tokens=2000).context_length == 1024
    settings = Settings(engine=EngineSettings(kv_tokens=4096))
    assert wishes(facts(context_length=131_072), settings).context_length == 4096


def test_options_win_over_settings() -> None:
    settings = Settings(
        engine=EngineSettings(context_length=512, parallel=3, kv_type=CacheType.Q8_0, gpu_layers=7),
        placement=PlacementSettings(prefer_gpu=False, mmap=False, tensor_split="1,2"),
    )
    plain = wishes(settings=settings)
    assert (plain.context_length, plain.asked_context, plain.parallel) == (512, True, 3)
    assert (plain.kv_type, plain.gpu_layers, plain.asked_layers) == ("q8_0", 7, True)
    assert (plain.prefer_gpu, plain.mmap, plain.tensor_split) == (False, False, (1.0, 2.0))
    said = wishes(
        settings=settings,
        context_length=64,
        kv_type="f16",
        gpu_layers=-1,
        prefer_gpu=True,
        mmap=True,
        mlock=True,
        tensor_split=[3.0],
    )
    assert (said.context_length, said.kv_type, said.asked_layers) == (64, "f16", False)
    assert (said.prefer_gpu, said.mmap, said.mlock, said.tensor_split) == (True, True, True, (3.0,))


@pytest.mark.parametrize(
    ("asked", "usual", "stay"), [(None, 0, None), (None, 2, 2), (None, -1, 4), (3, 2, 3), (9, 0, 4)]
)
def test_experts_stay_as_asked_or_as_many_as_must(
    asked: int | None, usual: int, stay: int | None
) -> None:
    settings = Settings(placement=PlacementSettings(cpu_moe=usual))
    assert wishes(moe(), settings, cpu_moe=asked).cpu_moe == stay


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"require_gpu": True, "prefer_gpu": False}, "require_gpu"),
        ({"require_gpu": True, "gpu_layers": 0}, "require_gpu"),
        ({"kv_type": "q8_0", "flash_attention": "off"}, "kv_type"),
        ({"context_length": 4096, "kv_tokens": 1024}, "kv_tokens"),
        ({"tensor_split": [0.0, 0.0]}, "tensor_split"),
        ({"tensor_split": [-1.0, 2.0]}, "tensor_split"),
        ({"tensor_split": [float("nan")]}, "tensor_split"),
    ],
)
def test_contradictions_are_refused_by_name(options: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wishes(**options)
    assert caught.value.param == param
    assert caught.value.hint


def test_a_cache_type_whose_blocks_do_not_divide_a_head_is_refused() -> None:
    odd = facts(layers=[layer(key_length=80, value_length=80)])
    with pytest.raises(InvalidRequest, match="80 elements"):
        wishes(odd, kv_type="q8_0")
    assert wishes(odd, generates=False, kv_type="q8_0").kv_type == "q8_0"


def test_a_split_is_read_with_commas_or_slashes() -> None:
    assert read_split("3,1") == read_split("3/1") == [3.0, 1.0]
    assert read_split("") == []
    with pytest.raises(InvalidRequest):
        read_split("a,b")
