"""Tensor and file types, compared with the llama.cpp that is installed."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

import pytest

from llmd.models.gguf.file_types import FILE_TYPES, TENSOR_TYPES


@pytest.fixture(scope="module")
def ggml() -> ctypes.CDLL:
    """The library itself: importing llama_cpp would load its backends, too."""
    spec = find_spec("llama_cpp")
    assert spec
    assert spec.origin
    folder = Path(spec.origin).parent / "lib"
    library = ctypes.CDLL(
        str(next(path for path in folder.iterdir() if path.stem == "libggml-base"))
    )
    library.ggml_type_size.restype = ctypes.c_size_t
    library.ggml_blck_size.restype = ctypes.c_int64
    library.ggml_type_name.restype = ctypes.c_char_p
    return library


@pytest.mark.parametrize("number", sorted(TENSOR_TYPES))
def test_block_sizes_are_llama_cpps(ggml: ctypes.CDLL, number: int) -> None:
    kind = TENSOR_TYPES[number]
    assert (kind.block, kind.size) == (ggml.ggml_blck_size(number), ggml.ggml_type_size(number))
    assert kind.name.lower() == ggml.ggml_type_name(number).decode().lower()


def test_no_type_of_llama_cpp_is_left_out(ggml: ctypes.CDLL) -> None:
    beyond = max(TENSOR_TYPES) + 1
    usable = {number for number in range(beyond) if ggml.ggml_blck_size(number) > 0}
    assert usable == set(TENSOR_TYPES)


def test_file_types_have_the_names_people_type() -> None:
    assert FILE_TYPES[15] == "Q4_K_M"
    assert len(set(FILE_TYPES.values())) == len(FILE_TYPES)
