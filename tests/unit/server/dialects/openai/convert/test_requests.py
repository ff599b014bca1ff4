from __future__ import annotations

import msgspec
import pytest

from llmd.config.settings import SamplingSettings
from llmd.errors import InvalidRequest
from llmd.protocol.requests import ChatPrompt, Overflow, Sampling, TextPrompt, TokenPrompt
from llmd.server.dialects.openai import schema
from llmd.server.dialects.openai.convert import requests
from llmd.server.http.body import decode_json

DEFAULTS = SamplingSettings()


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
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
            {"role": "tool", "content": "42", "tool_call_id": "1"},
        ],
        tools=[{"type": "function"}],
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
    assert made.prompt.tools == [{"type": "function"}]
    assert made.prompt.template_arguments == {"enable_thinking": True}
    assert (made.stop, made.max_tokens, made.overflow) == (["END"], 5, Overflow.TRUNCATE)


def test_several_choices_of_one_seed_differ() -> None:
    made = requests.chat_requests(chat(n=3, seed=10), DEFAULTS)
    assert [request.sampling.seed for request in made] == [10, 11, 12]


def test_tool_choice_none_hides_the_tools() -> None:
    (made,) = requests.chat_requests(
        chat(tools=[{"type": "function"}], tool_choice="none"), DEFAULTS
    )
    assert isinstance(made.prompt, ChatPrompt)
    assert made.prompt.tools == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
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
        ({"max_tokens": 0}, "max_tokens"),
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
    assert requests.prompts("a") == [TextPrompt("a")]
    assert requests.prompts(["a", "b"]) == [TextPrompt("a"), TextPrompt("b")]
    assert requests.prompts([1, 2]) == [TokenPrompt([1, 2])]
    assert requests.prompts([[1], [2, 3]]) == [TokenPrompt([1]), TokenPrompt([2, 3])]
    for wrong in (["a", 1], ["a", [1]], []):
        with pytest.raises(InvalidRequest):
            requests.prompts(wrong)


@pytest.mark.parametrize(
    ("fields", "param"), [({"suffix": "x"}, "suffix"), ({"best_of": 3, "n": 1}, "best_of")]
)
def test_plain_completions_refuse_what_they_cannot_do(
    fields: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        requests.completion_requests(text(prompt="x", **fields), DEFAULTS)
    assert caught.value.param == param
