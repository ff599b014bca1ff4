from __future__ import annotations

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.server.completions.convert import fields
from llmd.server.completions.schema import ChatRequest, CompletionRequest
from llmd.server.http.body import decode_json


def chat(**said: object) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **said}
    return decode_json(msgspec.json.encode(body), ChatRequest)


def test_the_first_of_several_names_counts() -> None:
    asked = CompletionRequest(max_tokens=5, max_completion_tokens=0)
    assert fields.named(asked, "max_tokens") == "max_completion_tokens"
    assert fields.said(asked, "max_tokens") == 0


def test_what_is_left_out_says_nothing() -> None:
    assert fields.said(CompletionRequest(), "max_tokens") is None
    assert fields.said(CompletionRequest(), "top_k") is None


def test_a_field_of_one_name_is_found_by_it() -> None:
    assert fields.named(CompletionRequest(top_k=3), "top_k") == "top_k"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("functions", [{"name": "f"}]),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("modalities", ["text", "audio"]),
        ("modalities", ["audio"]),
        ("web_search_options", {}),
        ("mirostat", 2),
        ("dry_multiplier", 0.8),
        ("xtc_probability", 0.5),
        ("dynatemp_range", 0.3),
        ("top_n_sigma", 1),
        ("min_tokens", 5),
        ("stop_token_ids", [7]),
    ],
)
def test_what_llmd_cannot_do_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        fields.check(chat(**{field: value}))
    assert caught.value.param == field
    assert caught.value.hint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("functions", []),
        ("audio", None),
        ("modalities", ["text"]),
        ("mirostat", 0),
        ("dry_multiplier", 0.0),
        ("xtc_probability", 0),
        ("dynatemp_range", 0),
        ("top_n_sigma", -1),
        ("min_tokens", 0),
        ("stop_token_ids", []),
        ("nobody_knows_this", 1),
    ],
)
def test_what_asks_for_nothing_is_taken(field: str, value: object) -> None:
    fields.check(chat(**{field: value}))
