from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.models.adoption.find import proper
from llmd.models.names import check_name


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("acme/tiny-GGUF:Q8_0", "acme/tiny-GGUF:Q8_0"),
        ("My Models/通义 千问:Q4_K_M", "My-Models/通义-千问:Q4_K_M"),
        ("a/../../etc", "file"),
        ("//", "file"),
        ("", "file"),
        ("x" * 500, "file"),
        ("default", "file"),
    ],
)
def test_a_name_is_kept_as_far_as_names_go(name: str, made: str) -> None:
    assert proper(name, Path("/m/file.gguf")) == made


@given(st.text(max_size=300))
def test_any_text_gives_a_name_that_is_allowed(text: str) -> None:
    check_name(proper(text, Path("/m/file.gguf")))
