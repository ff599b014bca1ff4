from __future__ import annotations

import pytest

from llmd.models.quantization.naming import stem_of, variant_name
from llmd.models.quantization.types import find


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("qwen3-4b", "qwen3-4b"),
        ("qwen3-4b:Q8_0", "qwen3-4b"),
        ("qwen3-4b:ud-q4_k_xl", "qwen3-4b"),
        ("Qwen/Qwen3-4B-GGUF:Q8_0", "Qwen/Qwen3-4B-GGUF"),
        ("Qwen/Qwen3-4B-GGUF:sub/model-Q8_0.gguf", "Qwen/Qwen3-4B-GGUF:sub/model-Q8_0.gguf"),
        ("mine:latest", "mine:latest"),
        ("模型:Q4_0", "模型"),
    ],
)
def test_a_stem_has_no_quantisation(name: str, stem: str) -> None:
    assert stem_of(name) == stem


def test_a_variant_is_named_by_its_type() -> None:
    assert variant_name("qwen3-4b:F16", find("q4_k_m")) == "qwen3-4b:Q4_K_M"
    assert variant_name("mine", find("iq2_xxs")) == "mine:IQ2_XXS"
