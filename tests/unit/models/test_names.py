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
    ModelScopeReference,
    OllamaReference,
    PathReference,
    UrlReference,
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
        ("file://localhost/models/m.gguf", PathReference(Path("/models/m.gguf"))),
        ("file:///my%20models/%E6%A8%A1.gguf", PathReference(Path("/my models/模.gguf"))),
        ("/models/模型 (2).gguf", PathReference(Path("/models/模型 (2).gguf"))),
        ("qwen3-4b@q8_0", AliasReference("qwen3-4b", "q8_0")),
        ("llama3.2:1b", AliasReference("llama3.2", "1b")),
        ("acme/m@v1.0:Q4_0", HubReference("acme/m", "Q4_0", "v1.0")),
        ("HF://acme/m", HubReference("acme/m")),
        ("ollama://llama3.2", OllamaReference("llama3.2")),
        ("ollama://Llama3.2:1b-instruct-q4_0", OllamaReference("llama3.2", "1b-instruct-q4_0")),
        ("ollama://library/llama3.2", OllamaReference("llama3.2")),
        ("ollama://someone/model:7b", OllamaReference("someone/model", "7b")),
        ("ollama.com/library/qwen3:4b", OllamaReference("qwen3", "4b")),
        ("modelscope://acme/m:Q4_0", ModelScopeReference("acme/m", "Q4_0")),
        ("ms://acme/m/m-Q8_0.gguf", ModelScopeReference("acme/m", "m-Q8_0.gguf")),
        ("https://a.example/m.gguf", UrlReference("https://a.example/m.gguf")),
        ("http://127.0.0.1:1/m.gguf", UrlReference("http://127.0.0.1:1/m.gguf")),
    ],
)
def test_names_are_read(text: str, meaning: object) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "a/b:",
        "a/..",
        "a/b:../c",
        "-x",
        "a\nb",
        "hf://",
        "hf://a",
        "a:b:c",
        "a//b",
        "x" * 10_000,
        "/" + "x" * 10_000,
        "/models/\x00.gguf",
        "m\x1b[31m.gguf",
        "file://elsewhere/models/m.gguf",
        "file://relative.gguf",
        "s3://bucket/m.gguf",
        "javascript://x",
        "\ud800",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as failure:
        parse(text)
    assert failure.value.hint


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("qw\u0435n3-4b", "cyrillic small letter ie"),
        ("\uff51wen/m", "fullwidth latin small letter q"),
    ],
)
def test_letters_that_look_like_others_are_pointed_at(text: str, letter: str) -> None:
    with pytest.raises(InvalidRequest) as failure:
        parse(text)
    assert letter in failure.value.message


def test_unknown_schemes_are_named() -> None:
    with pytest.raises(InvalidRequest, match="does not know s3://"):
        parse("s3://bucket/m.gguf")


REPOSITORIES = st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}/[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True
)
SELECTORS = st.from_regex(r"(?:[A-Z0-9_]{1,8}/)?[A-Za-z0-9_-]{1,9}(?:\.gguf)?", fullmatch=True)


@given(REPOSITORIES, SELECTORS)
def test_all_ways_to_write_a_repository_mean_the_same(repo: str, selector: str) -> None:
    ways = (
        f"{repo}:{selector}",
        f"hf://{repo}:{selector}",
        f"hf.co/{repo}:{selector}",
        f"https://huggingface.co/{repo}/resolve/main/{selector}",
    )
    assert {parse(way) for way in ways} == {HubReference(repo, selector)}
    assert parse(f"modelscope://{repo}:{selector}") == ModelScopeReference(repo, selector)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except InvalidRequest:
        return


@pytest.mark.parametrize(
    "name",
    [
        "m",
        "Qwen/Qwen3-4B-GGUF:Q4_K_M",
        "acme/m:sub/m.gguf",
        "模型-7b",
        "a+b@c",
        "1",
        "модель-7b",
        "étude",
    ],
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
        "qw\u0435n",
        "\uff51wen",
        "e\u0301tude",
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
        ("Default.gguf", "model"),
        ("e\u0301tude.gguf", "étude"),
        ("qw\u0435n-7b.gguf", "qw-n-7b"),
        ("\uff51wen.gguf", "qwen"),
        ("模" * 80 + ".gguf", "模" * 26),
    ],
)
def test_a_file_gives_a_fine_name(file: str, name: str) -> None:
    assert check_name(name_from_file(Path(file))) == name


@given(st.text(min_size=1, max_size=40))
def test_any_file_gives_a_fine_name(file: str) -> None:
    name = name_from_file(Path(f"{file.replace('/', '-')}.gguf"))
    assert check_name(name) == name


def test_near_names_are_suggested_whatever_their_case() -> None:
    known = ["qwen3-4b", "gemma-2b", "Acme/Tiny-GGUF:Q8_0"]
    assert near_misses("qwen3-4", known) == ["qwen3-4b"]
    assert near_misses("tiny", known) == ["Acme/Tiny-GGUF:Q8_0"]
    assert near_misses("zzz", known) == []
