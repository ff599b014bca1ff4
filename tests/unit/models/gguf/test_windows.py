"""The default patterns were compared, for 12 layers, with what the pinned llama.cpp allocates."""

from __future__ import annotations

import pytest

from llmd.models.gguf.facts import Window
from llmd.models.gguf.fields import Fields
from llmd.models.gguf.windows import windows

WINDOW = "attention.sliding_window"
PATTERN = "attention.sliding_window_pattern"


def drawn(architecture: str, layers: int = 12, prediction: int = 0, pattern: object = None) -> str:
    """Return a w for each layer with a window."""
    given = {WINDOW: 32, **({PATTERN: pattern} if pattern is not None else {})}
    fields = Fields({f"{architecture}.{key}": value for key, value in given.items()}, architecture)
    found = windows(fields, layers, prediction)
    return "".join("w" if windowed else "." for windowed in found.layers)


@pytest.mark.parametrize(
    ("architecture", "pattern"),
    [
        ("afmoe", "www.www.www."),
        ("cohere2", "www.www.www."),
        ("cohere2moe", ".www.www.www"),
        ("exaone-moe", "www.www.www."),
        ("gemma-embedding", "wwwww.wwwww."),
        ("gemma2", "w.w.w.w.w.w."),
        ("gemma3", "wwwww.wwwww."),
        ("gemma3n", "wwww.wwww.ww"),
        ("gpt-oss", "w.w.w.w.w.w."),
        ("laguna", ".www.www.www"),
        ("lfm2", "wwwwwwwwwwww"),
        ("llama4", "www.www.www."),
        ("modern-bert", ".ww.ww.ww.ww"),
        ("olmo2", "www.www.www."),
        ("plamo3", "wwwwwww.wwww"),
        ("smallthinker", ".www.www.www"),
        ("deepseek4", "wwwwwwwwwwww"),
        ("llama", "............"),
        ("phi3", "............"),
        ("exaone4", "............"),
        ("gemma4", "............"),
    ],
)
def test_each_architecture_has_its_pattern(architecture: str, pattern: str) -> None:
    assert drawn(architecture) == pattern


def test_the_file_may_name_layers_or_another_period() -> None:
    assert drawn("gemma4", 4, pattern=[True, True, False, True]) == "ww.w"
    assert drawn("gemma2", 4, pattern=[1]) == "w..."
    assert drawn("gemma3", 6, pattern=3) == "ww.ww."
    assert drawn("gemma3", 3, pattern=0) == "www"
    assert drawn("gemma3", 3, pattern=1) == "..."


def test_layers_that_predict_see_everything() -> None:
    assert drawn("exaone-moe", 6, prediction=1) == "www.w."
    assert drawn("deepseek4", 3, prediction=1) == "www"


def test_only_the_large_exaone_has_windows() -> None:
    assert drawn("exaone4", 64).startswith("www.www.")
    assert drawn("exaone4", 65, prediction=1).endswith("www..")


def test_what_must_be_named_is_none_without_a_name() -> None:
    fields = Fields({"gemma3.block_count": 6}, "gemma3")
    assert windows(fields, 6).kind is Window.NONE
    assert windows(Fields({f"llama4.{WINDOW}": 0}, "llama4"), 4).layers == (False,) * 4


def test_sizes_that_are_not_named_are_the_architectures_own() -> None:
    assert windows(Fields({}, "gemma2"), 2).size == 4096
    assert windows(Fields({f"gemma2.{WINDOW}": 512}, "gemma2"), 2).size == 512
    # whatever the file says, as in llama.cpp
    assert windows(Fields({f"llama4.{WINDOW}": 512}, "llama4"), 2).size == 8192
    assert windows(Fields({f"smallthinker.{WINDOW}": 512}, "smallthinker"), 2).size == 4096


def test_kinds_tell_how_windows_move() -> None:
    assert windows(Fields({}, "llama4"), 2).kind is Window.CHUNKED
    assert windows(Fields({f"modern-bert.{WINDOW}": 9}, "modern-bert"), 2).kind is Window.SYMMETRIC
    assert windows(Fields({}, "cohere2"), 2).kind is Window.STANDARD
