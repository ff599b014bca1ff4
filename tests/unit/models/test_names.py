"""The grammar of model names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import InvalidRequest
from llmd.models.names import (
    AliasReference,
    HubReference,
    PathReference,
    check_name,
    encode,
    name_from_file,
    near_misses,
    parse,
)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("qwen3-4b", AliasReference("qwen3-4b")),
        ("qwen3-4b:q8_0", AliasReference("qwen3-4b", "q8_0")),
        ("llama3.2-1b", AliasReference("llama3.2-1b")),
        ("Qwen/Qwen3-4B-GGUF", HubReference("Qwen/Qwen3-4B-GGUF")),
        ("Qwen/Qwen3-4B-GGUF:Q4_K_M", HubReference("Qwen/Qwen3-4B-GGUF", "Q4_K_M")),
        ("acme/m:sub/m-Q8_0.gguf", HubReference("acme/m", "sub/m-Q8_0.gguf")),
        ("hf://acme/m:Q8_0", HubReference("acme/m", "Q8_0")),
        ("hf://acme/m/m-Q8_0.gguf", HubReference("acme/m", "m-Q8_0.gguf")),
        ("hf.co/acme/m", HubReference("acme/m")),
        ("https://huggingface.co/acme/m", HubReference("acme/m")),
        ("https://huggingface.co/acme/m/", HubReference("acme/m")),
        ("https://huggingface.co/acme/m/blob/main/m.gguf", HubReference("acme/m", "m.gguf")),
        (
            "https://huggingface.co/acme/m/resolve/main/m.gguf?download=true",
            HubReference("acme/m", "m.gguf"),
        ),
        ("https://huggingface.co/acme/m/tree/main", HubReference("acme/m")),
        ("/models/m.gguf", PathReference(Path("/models/m.gguf"))),
        ("./m", PathReference(Path("m"))),
        ("../m.gguf", PathReference(Path("../m.gguf"))),
        ("folder/m.gguf", PathReference(Path("folder/m.gguf"))),
        ("m.GGUF", PathReference(Path("m.GGUF"))),
        ("file:///models/m.gguf", PathReference(Path("/models/m.gguf"))),
        ("~/m.gguf", PathReference(Path.home() / "m.gguf")),
    ],
)
def test_names_are_read(text: str, meaning: object) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "a/b:", "a/..", "a/b:../c", "-x", "a\nb", "hf://", "hf://a", "a:b:c", "a//b"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as failure:
        parse(text)
    assert failure.value.hint


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except InvalidRequest:
        return


@pytest.mark.parametrize(
    "name", ["m", "Qwen/Qwen3-4B-GGUF:Q4_K_M", "acme/m:sub/m.gguf", "模型-7b", "a+b@c", "1"]
)
def test_fine_names_pass(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/../b",
        ".a",
        "a/",
        "/a",
        "a b",
        "a\n",
        "a\x1b[31m",
        "default",
        "a\\b",
        "-a",
        "x" * 300,
        "模" * 30,
    ],
)
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        check_name(name)


@given(st.text(max_size=60))
def test_a_name_that_passes_is_one_file_name(name: str) -> None:
    try:
        check_name(name)
    except InvalidRequest:
        return
    assert "/" not in encode(name)
    assert not encode(name).startswith(".")
    assert len(encode(name) + ".json") <= 255


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("tiny-Q8_0.gguf", "tiny-Q8_0"),
        ("big-00001-of-00003.gguf", "big"),
        ("my model (2).GGUF", "my-model-2"),
        ("...gguf", "model"),
        ("模" * 80 + ".gguf", "模" * 26),
    ],
)
def test_a_file_gives_a_fine_name(file: str, name: str) -> None:
    assert check_name(name_from_file(Path(file))) == name


def test_near_names_are_suggested_whatever_their_case() -> None:
    known = ["qwen3-4b", "gemma-2b", "Acme/Tiny-GGUF:Q8_0"]
    assert near_misses("qwen3-4", known) == ["qwen3-4b"]
    assert near_misses("tiny", known) == ["Acme/Tiny-GGUF:Q8_0"]
    assert near_misses("zzz", known) == []
