from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.models.ollama import parameters
from llmd.protocol.models import SamplingDefaults
from llmd.protocol.placement import LoadOptions


def test_sampling_and_context_are_kept() -> None:
    found = parameters.translate(
        {
            "temperature": 0.6,
            "top_k": 20,
            "top_p": 0.9,
            "min_p": 0.1,
            "repeat_penalty": 1.1,
            "num_predict": 100,
            "num_ctx": 4096,
            "stop": ["<|im_end|>", "用户"],
        }
    )
    assert found.sampling == SamplingDefaults(
        temperature=0.6,
        top_k=20,
        top_p=0.9,
        min_p=0.1,
        repeat_penalty=1.1,
        max_tokens=100,
        stop=["<|im_end|>", "用户"],
    )
    assert found.options == LoadOptions(context_length=4096)
    assert found.left_out == ()


def test_what_speaks_of_the_machine_is_left_out() -> None:
    found = parameters.translate({"num_gpu": 0, "num_thread": 4, "use_mmap": False, "mirostat": 2})
    assert found == parameters.Parameters(
        left_out=("num_gpu", "num_thread", "use_mmap", "mirostat")
    )


@pytest.mark.parametrize(
    ("values", "sampling"),
    [
        ({"temperature": "0.5"}, SamplingDefaults(temperature=0.5)),
        ({"stop": "one"}, SamplingDefaults(stop=["one"])),
        ({"stop": ["", "two"]}, SamplingDefaults(stop=["two"])),
        ({"num_predict": -1}, SamplingDefaults()),
        ({"num_predict": -2}, SamplingDefaults()),
        ({"seed": -1}, SamplingDefaults()),
    ],
)
def test_values_are_taken_as_they_are_meant(
    values: dict[str, Any], sampling: SamplingDefaults
) -> None:
    found = parameters.translate(values)
    assert (found.sampling, found.left_out) == (sampling, ())


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": "hot"},
        {"temperature": -1},
        {"top_p": 7},
        {"top_k": 0.5},
        {"stop": [1]},
        {"num_ctx": "wide"},
    ],
)
def test_senseless_values_are_left_out(values: dict[str, Any]) -> None:
    assert parameters.translate(values) == parameters.Parameters(left_out=tuple(values))


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_layer_that_is_no_object_is_left_out(data: bytes) -> None:
    assert parameters.read(data).left_out == ("params",)


@given(
    st.dictionaries(
        st.sampled_from(["temperature", "stop", "num_ctx", "top_k", "seed", "num_predict", "x"]),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_any_values_give_parameters_that_can_be_stored(values: dict[str, Any]) -> None:
    found = parameters.translate(values)
    assert set(found.left_out) <= set(values)
    assert isinstance(json.dumps(found.left_out), str)
