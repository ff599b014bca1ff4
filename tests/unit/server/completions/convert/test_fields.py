from __future__ import annotations

from llmd.server.completions.convert import fields
from llmd.server.completions.schema import CompletionRequest


def test_the_first_of_several_names_counts() -> None:
    asked = CompletionRequest(max_tokens=5, max_completion_tokens=0)
    assert fields.named(asked, "max_tokens") == "max_completion_tokens"
    assert fields.said(asked, "max_tokens") == 0


def test_what_is_left_out_says_nothing() -> None:
    assert fields.said(CompletionRequest(), "max_tokens") is None
    assert fields.said(CompletionRequest(), "top_k") is None


def test_a_field_of_one_name_is_found_by_it() -> None:
    assert fields.named(CompletionRequest(top_k=3), "top_k") == "top_k"
