from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.models.quantization.rules import check, refusal
from llmd.models.quantization.types import find
from tests.fakes.manifests import make_manifest


@pytest.mark.parametrize(
    ("source", "target"),
    [("F16", "Q4_0"), ("F16", "Q8_0"), ("BF16", "IQ1_S"), ("F32", "F16"), ("Q8_0", "Q4_K_M")],
)
def test_good_sources_may_be_quantised(source: str, target: str) -> None:
    check(make_manifest("m", quantization=source), find(target), requantize=False)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("Q4_0", "Q8_0", "larger and no better"),
        ("Q4_0", "Q4_0", "no smaller and no better"),
        ("F16", "F32", "larger and no better"),
        ("Q6_K", "Q4_0", "loses much more"),
        ("UD-Q4_K_XL", "Q2_K", "loses much more"),
        ("Q8_1", "Q4_0", "not known"),
    ],
)
def test_others_are_refused_unless_the_user_insists(source: str, target: str, why: str) -> None:
    model = make_manifest("m", quantization=source)
    assert why in refusal(model, find(target))
    with pytest.raises(InvalidRequest, match=why) as caught:
        check(model, find(target), requantize=False)
    assert "--requantize" in caught.value.hint
    check(model, find(target), requantize=True)
