from __future__ import annotations

import msgspec

from llmd.protocol.requests import GenerateRequest, Overflow, Sampling, TextPrompt, TokenPrompt
from tests.unit.protocol.conftest import CHAT


def test_the_kind_of_prompt_is_told_by_its_tag() -> None:
    for prompt in (CHAT, TextPrompt("x"), TokenPrompt([1])):
        request = GenerateRequest(prompt=prompt)
        assert msgspec.json.decode(msgspec.json.encode(request), type=GenerateRequest) == request


def test_defaults_take_no_room_on_the_wire() -> None:
    assert msgspec.to_builtins(Sampling()) == {}
    assert msgspec.to_builtins(GenerateRequest(prompt=TextPrompt("x"))) == {
        "prompt": {"type": "text", "text": "x"}
    }


def test_unless_told_otherwise_nothing_is_cut() -> None:
    assert GenerateRequest(prompt=TextPrompt("x")).overflow is Overflow.ERROR


def test_default_sampling_is_neutral() -> None:
    neutral = Sampling()
    assert (
        neutral.temperature,
        neutral.top_k,
        neutral.top_p,
        neutral.min_p,
        neutral.typical_p,
    ) == (1, 0, 1, 0, 1)
    assert (neutral.repeat_penalty, neutral.frequency_penalty, neutral.presence_penalty) == (
        1,
        0,
        0,
    )
