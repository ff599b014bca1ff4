from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.models.gguf.file_types import FILE_TYPES
from llmd.models.quantization.types import TYPES, bits_of, find, known


def test_ids_are_those_that_headers_have() -> None:
    for kind in TYPES:
        assert FILE_TYPES[kind.file_type] == kind.name.removesuffix("_MOE")


def test_each_type_stands_once_and_larger_ones_first() -> None:
    assert len({kind.name for kind in TYPES}) == len({kind.file_type for kind in TYPES})
    assert [kind.bits for kind in TYPES] == sorted((kind.bits for kind in TYPES), reverse=True)
    assert all(kind.purpose for kind in TYPES)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("q4_0", "Q4_0"),
        (" Q4_K_M ", "Q4_K_M"),
        ("q4_k", "Q4_K_M"),
        ("q5-k-s", "Q5_K_S"),
        ("fp16", "F16"),
        ("int8", "Q8_0"),
        ("int4", "Q4_K_M"),
        ("mxfp4", "MXFP4_MOE"),
    ],
)
def test_names_are_understood_in_any_case(text: str, name: str) -> None:
    assert find(text).name == name


def test_a_name_that_is_none_suggests_near_ones() -> None:
    with pytest.raises(InvalidRequest, match="no quantisation type 'q4_m'") as caught:
        find("q4_m")
    assert "Q4_K_M" in caught.value.hint
    assert caught.value.param == "quantization"
    assert known("../../etc") is None


@pytest.mark.parametrize(
    ("label", "bits"),
    [
        ("Q8_0", 8.5),
        ("UD-Q4_K_XL", 4.89),
        ("Q4_K_L", 4.89),
        ("Q3_K_L", 4.3),
        ("MXFP4", 4.25),
        ("", 0),
        ("Q8_1", 0),
        ("latest", 0),
    ],
)
def test_bits_of_labels_are_known(label: str, bits: float) -> None:
    assert bits_of(label) == bits
