from __future__ import annotations

import msgspec
import pytest

from llmd.config.settings import SamplingSettings
from llmd.errors import InvalidRequest
from llmd.models.presets import effect
from llmd.protocol.models import SamplingDefaults
from llmd.protocol.requests import (
    Adapter,
    ChatPrompt,
    InfillPrompt,
    Overflow,
    Prompt,
    Sampling,
    Speculation,
    TextPrompt,
    TokenPrompt,
)
from llmd.server.completions import schema
from llmd.server.completions.convert import requests
from llmd.server.http.body import decode_json

DEFAULTS = effect.sampling(SamplingSettings(), SamplingDefaults())


def chat(**fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return decode_json(msgspec.json.encode(body), schema.ChatRequest)


def text(**fields: object) -> schema.CompletionRequest:
    return decode_json(msgspec.json.encode(fields), schema.CompletionRequest)


def test_wishes_win_over_defaults_and_null_is_no_wish() -> None:
    request = chat(temperature=0, top_p=None, seed=3, logit_bias={"7": -100}, presence_penalty=0.5)
    assert requests.sampling(request, DEFAULTS) == Sampling(
        temperature=0,
        top_k=40,
        top_p=0.95,
        min_p=0.05,
        seed=3,
        logit_bias={7: -100},
        presence_penalty=0.5,
    )


def test_a_conversation_becomes_a_chat_prompt() -> None:
    request = chat(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                "extra": 1,
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f"}}],
            },
            {"role": "tool", "content": "42", "tool_call_id": "1"},
        ],
        tools=[{"type": "function", "function": {"name": "f"}}],
        chat_template_kwargs={"enable_thinking": True},
        stop="END",
        max_tokens=9,
        max_completion_tokens=5,
        context_overflow="truncate",
        unknown_field={"is": "tolerated"},
    )
    (made,) = requests.chat_requests(request, DEFAULTS)
    assert isinstance(made.prompt, ChatPrompt)
    assert [message["role"] for message in made.prompt.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert made.prompt.messages[1]["content"][1] == {"type": "text", "text": "b"}
    (call,) = made.prompt.messages[2]["tool_calls"]
    assert call["function"] == {"name": "f", "arguments": "{}"}
    assert [tool["function"]["name"] for tool in made.prompt.tools] == ["f"]
    assert made.prompt.template_arguments == {"enable_thinking": True}
    assert (made.stop, made.max_tokens, made.overflow) == (["END"], 5, Overflow.TRUNCATE)


def test_several_choices_of_one_seed_differ() -> None:
    made = requests.chat_requests(chat(n=3, seed=10), DEFAULTS)
    assert [request.sampling.seed for request in made] == [10, 11, 12]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n_predict"])
def test_minus_one_takes_the_limit_of_an_answer_away(name: str) -> None:
    usual = SamplingDefaults(max_tokens=9)
    for asked, expected in ((None, 9), (5, 5), (-1, None)):
        (made,) = requests.chat_requests(chat(**{name: asked}), usual)
        assert made.max_tokens == expected
        (made,) = requests.completion_requests(text(prompt="x", **{name: asked}), usual)
        assert made.max_tokens == expected


def test_a_penalty_for_repetition_has_two_names() -> None:
    for name in ("repeat_penalty", "repetition_penalty"):
        assert requests.sampling(chat(**{name: 1.3}), DEFAULTS).repeat_penalty == 1.3


def test_both_kinds_of_requests_refuse_what_llmd_cannot_do() -> None:
    with pytest.raises(InvalidRequest, match="mirostat"):
        requests.chat_requests(chat(mirostat=2), DEFAULTS)
    with pytest.raises(InvalidRequest, match="mirostat"):
        requests.completion_requests(text(prompt="x", mirostat=2), DEFAULTS)


def test_top_k_below_zero_means_all_tokens() -> None:
    assert requests.sampling(chat(top_k=-1), DEFAULTS).top_k == 0


@pytest.mark.parametrize("seed", [-1, -2])
def test_a_seed_below_zero_means_any(seed: int) -> None:
    for usual in (DEFAULTS, SamplingDefaults(seed=7)):
        made = requests.chat_requests(chat(n=2, seed=seed), usual)
        assert [request.sampling.seed for request in made] == [None, None]


def test_tool_choice_none_hides_the_tools() -> None:
    (made,) = requests.chat_requests(
        chat(tools=[{"type": "function", "function": {"name": "f"}}], tool_choice="none"), DEFAULTS
    )
    assert isinstance(made.prompt, ChatPrompt)
    assert made.prompt.tools == []
    assert made.prompt.tool_choice.mode == "none"


@pytest.mark.parametrize(
    ("fields", "continues"),
    [
        ({}, None),
        ({"continue_final_message": True}, True),
        ({"continue_final_message": False}, False),
        ({"response_format": {"type": "json_object"}}, False),
        ({"response_format": {"type": "json_object"}, "continue_final_message": True}, True),
        ({"tool_choice": "required"}, False),
        ({"tool_choice": "auto"}, None),
    ],
)
def test_an_answer_of_a_form_or_that_is_a_call_begins_anew(
    fields: dict[str, object], continues: bool | None
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    (made,) = requests.chat_requests(chat(tools=tools, **fields), DEFAULTS)
    assert isinstance(made.prompt, ChatPrompt)
    assert made.prompt.continue_final_message is continues


def test_a_call_that_must_come_continues_nothing() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    asked = chat(tools=tools, tool_choice="required", continue_final_message=True)
    with pytest.raises(InvalidRequest, match="message of its own") as caught:
        requests.chat_requests(asked, DEFAULTS)
    assert caught.value.param == "continue_final_message"


def test_calls_without_ids_get_some() -> None:
    calls = [
        {"function": {"name": "f", "arguments": {"a": 1}}},
        {"id": "x", "function": {"name": "g"}},
    ]
    request = chat(
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": calls},
        ]
    )
    (made,) = requests.chat_requests(request, DEFAULTS)
    assert isinstance(made.prompt, ChatPrompt)
    assert [call["id"] for call in made.prompt.messages[1]["tool_calls"]] == ["call_1_0", "x"]


def test_a_conversation_may_hold_calls_of_any_name() -> None:
    call = {"id": "1", "function": {"name": "get weather!", "arguments": '{"city": "Ber'}}
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call]}]
    (made,) = requests.chat_requests(chat(messages=talk), DEFAULTS)
    assert isinstance(made.prompt, ChatPrompt)
    assert made.prompt.messages[1]["tool_calls"][0]["function"] == call["function"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0, "max_tokens": 5}, "max_completion_tokens"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
            "messages[0].content[0]",
        ),
    ],
)
def test_what_llmd_cannot_do_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        requests.chat_requests(chat(**fields), DEFAULTS)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 9}, "temperature"),
        ({"max_tokens": -2}, "max_tokens"),
        ({"top_k": -2}, "top_k"),
        ({"context_length": -1}, "context_length"),
        ({"n": 0}, "n"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"model": 3}, "model"),
    ],
)
def test_wrong_values_are_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat(**fields)
    assert caught.value.param == param
    assert caught.value.status == 400


def test_the_four_forms_of_a_prompt() -> None:
    def prompts(value: object) -> list[Prompt]:
        return requests.prompts(text(prompt=value))

    assert prompts("a") == [TextPrompt("a")]
    assert prompts(["a", "b"]) == [TextPrompt("a"), TextPrompt("b")]
    assert prompts([1, 2]) == [TokenPrompt([1, 2])]
    assert prompts([[1], [2, 3]]) == [TokenPrompt([1]), TokenPrompt([2, 3])]
    for wrong in (["a", 1], ["a", [1]], []):
        with pytest.raises(InvalidRequest):
            prompts(wrong)


def test_a_suffix_makes_a_gap_and_an_empty_one_does_not() -> None:
    assert requests.prompts(text(prompt=["a", "b"], suffix="z")) == [
        InfillPrompt("a", "z"),
        InfillPrompt("b", "z"),
    ]
    assert requests.prompts(text(prompt="a", suffix="")) == [TextPrompt("a")]


def test_the_best_of_several_needs_their_logprobs() -> None:
    made = requests.completion_requests(text(prompt=["x", "y"], best_of=3, seed=5), DEFAULTS)
    assert [request.sampling.seed for request in made] == [5, 6, 7] * 2
    assert {request.logprobs for request in made} == {0}
    (plain,) = requests.completion_requests(text(prompt="x", best_of=1), DEFAULTS)
    assert plain.logprobs is None


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n_predict"])
def test_an_echo_alone_generates_nothing(name: str) -> None:
    asked = text(prompt="x", echo=True, **{name: 0})
    assert requests.completion_requests(asked, DEFAULTS) == []


@pytest.mark.parametrize("field", ["adapters", "lora"])
def test_adapters_by_name_or_place(field: str) -> None:
    asked = text(prompt="x", **{field: [{"name": "a", "scale": 0.5}, {"id": 1}, {"id": "b"}]})
    (made,) = requests.completion_requests(asked, DEFAULTS)
    assert made.adapters == [Adapter("a", 0.5), Adapter("1"), Adapter("b")]


def test_no_word_about_adapters_is_not_the_same_as_none_of_them() -> None:
    assert requests.completion_requests(text(prompt="x"), DEFAULTS)[0].adapters is None
    assert requests.completion_requests(text(prompt="x", lora=[]), DEFAULTS)[0].adapters == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": [1, 2], "suffix": "x"}, "prompt"),
        ({"suffix": "x", "echo": True, "logprobs": 1}, "echo"),
        ({"adapters": [{"scale": 2}]}, "adapters"),
    ],
)
def test_plain_completions_refuse_what_makes_no_sense(
    fields: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        requests.completion_requests(text(**{"prompt": "x", **fields}), DEFAULTS)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Speculation()),
        ({"speculation": "ngram"}, Speculation("ngram")),
        ({"speculation": {"mode": "draft", "longest": 5}}, Speculation("draft", 5)),
        ({"speculation": {"longest": 0}}, Speculation("auto", 0)),
        (
            {"prediction": {"type": "content", "content": "x = 1"}},
            Speculation(prediction="x = 1"),
        ),
        (
            {
                "prediction": {
                    "type": "content",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
                "speculation": "ngram",
            },
            Speculation("ngram", prediction="ab"),
        ),
    ],
)
def test_speculation_is_a_word_or_an_object_and_predictions_are_texts(
    fields: dict[str, object], expected: Speculation
) -> None:
    (native,) = requests.chat_requests(chat(**fields), DEFAULTS)
    assert native.speculation == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"speculation": "fast"},
        {"speculation": {"mode": "fast"}},
        {"speculation": {"longest": -1}},
        {"prediction": "x"},
        {"prediction": {"type": "content", "content": [{"type": "image_url"}]}},
    ],
)
def test_other_ways_to_speculate_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        chat(**fields)


@pytest.mark.parametrize(
    ("fields", "lane"),
    [
        ({}, "interactive"),
        ({"lane": "batch"}, "batch"),
        ({"service_tier": "flex"}, "batch"),
        ({"service_tier": "priority"}, "interactive"),
        ({"service_tier": "flex", "lane": "interactive"}, "interactive"),
    ],
)
def test_the_lane_of_a_request(fields: dict[str, object], lane: str) -> None:
    (made,) = requests.chat_requests(chat(**fields), SamplingDefaults())
    assert str(made.lane) == lane


def test_a_prompt_may_stay_out_of_the_cache() -> None:
    for value, kept in ((None, True), (True, True), (False, False)):
        (made,) = requests.chat_requests(chat(cache_prompt=value), SamplingDefaults())
        assert made.cache_prompt is kept


def test_the_user_has_several_names() -> None:
    assert requests.user(chat()) is None
    assert requests.user(chat(user="a", safety_identifier="b")) == "a"
    assert requests.user(chat(user="", safety_identifier="b")) == "b"
    assert requests.user(chat(prompt_cache_key="c")) == "c"


def test_a_models_own_defaults_stand_behind_the_request() -> None:
    usual = SamplingDefaults(
        temperature=0.1, presence_penalty=1.5, seed=7, max_tokens=9, stop=["<|end|>"]
    )
    (made,) = requests.chat_requests(chat(), usual)
    assert (made.sampling.temperature, made.sampling.presence_penalty) == (0.1, 1.5)
    assert (made.sampling.seed, made.max_tokens, made.stop) == (7, 9, ["<|end|>"])
    (made,) = requests.chat_requests(chat(temperature=0, max_tokens=2, stop="x"), usual)
    assert (made.sampling.temperature, made.max_tokens) == (0, 2)
    assert made.stop == ["x", "<|end|>"], "the model's own ends belong to its format"
