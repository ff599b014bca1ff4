from __future__ import annotations

import math

import pytest

from llmd.models.gguf.fields import Fields, whole
from llmd.models.gguf.header import ArraySummary


def fields(**values: object) -> Fields:
    return Fields({f"a.{key}": value for key, value in values.items()}, "a")


def test_numbers_of_the_wrong_kind_are_not_there() -> None:
    assert fields(n=7).number("n") == 7
    for odd in ("7", -1, 2**63, 1.5, [7], None):
        assert fields(n=odd).number("n", 3) == 3
    assert whole(True) == 1


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e300, "2", [2.0]])
def test_a_ratio_is_a_number_one_can_reckon_with(odd: object) -> None:
    assert fields(r=odd).ratio("r") == 0.0
    assert fields(r=2.5).ratio("r") == 2.5
    assert fields(r=2).ratio("r") == 2.0


def test_one_number_stands_for_all_layers() -> None:
    assert fields(n=4).per_layer("n", 3) == [4, 4, 4]
    assert fields(n=[1, 2]).per_layer("n", 3) == [1, 2, 0]
    assert fields(n=[1, 2, 3, 4]).per_layer("n", 3) == [1, 2, 3]
    assert fields(n=[True, False]).per_layer("n", 2) == [1, 0]
    assert fields().per_layer("n", 2, [5, 6]) == [5, 6]
    assert fields().per_layer("n", 2) == [0, 0]


def test_lists_hold_numbers_only() -> None:
    assert fields(n=[1, -2, "x"]).array("n") == [1, 0, 0]
    assert fields(n=3).array("n") is None


def test_arrays_are_counted_whether_kept_or_not() -> None:
    found = Fields({"t": ArraySummary("string", 9), "u": ["a"], "v": 3}, "a")
    assert (found.count("t"), found.count("u"), found.count("v"), found.count("w")) == (9, 1, 0, 0)


def test_texts_are_texts() -> None:
    assert fields(t="x").text("t") == "x"
    assert fields(t=3).text("t") == ""
    assert fields(t=3).has("t")
    assert not fields().has("t")
