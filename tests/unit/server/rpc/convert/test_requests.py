from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from llmd.errors import InvalidRequest
from llmd.server.completions import schema
from llmd.server.rpc.convert import requests
from llmd.server.rpc.generated import model_pb2 as pb

USER = pb.Message(role="user", content="请介绍一下自己。")


def chat(**fields: Any) -> schema.ChatRequest:
    return requests.chat(pb.ChatCompletionRequest(messages=[USER], **fields), stream=False)


def extra(**fields: Any) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct


def test_the_go_example_says_what_the_json_says() -> None:
    asked = requests.chat(
        pb.ChatCompletionRequest(
            model_id="deepseek-v3-14b",
            messages=[pb.Message(role="system", content="你是一个有用的AI助手。"), USER],
            max_tokens=500,
            temperature=0.7,
        ),
        stream=False,
    )
    assert asked == schema.ChatRequest(
        model="deepseek-v3-14b",
        messages=[
            schema.Message("system", "你是一个有用的AI助手。"),
            schema.Message("user", "请介绍一下自己。"),
        ],
        max_tokens=500,
        temperature=0.7,
    )


def test_what_is_left_out_is_not_said() -> None:
    asked = chat()
    assert (asked.model, asked.temperature, asked.max_tokens, asked.n, asked.stop) == (
        *(None, None, None, None, None),
    )
    assert not asked.stream


def test_greedy_is_a_temperature_of_zero() -> None:
    assert chat(greedy=True).temperature == 0
    with pytest.raises(InvalidRequest, match="greedy"):
        chat(greedy=True, temperature=0.5)


def test_streams_carry_their_usage() -> None:
    asked = requests.chat(
        pb.ChatCompletionRequest(messages=[USER], stream=True, stop=["\n"], n=2), stream=True
    )
    assert asked.stream
    assert asked.stream_options == schema.StreamOptions(include_usage=True)
    assert (asked.stop, asked.n) == (["\n"], 2)


def test_a_stream_is_not_asked_of_a_method_that_has_none() -> None:
    with pytest.raises(InvalidRequest, match="Stream"):
        chat(stream=True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 9}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_p": math.inf}, "top_p"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"n": 1000}, "n"),
    ],
)
def test_wrong_values_are_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        chat(**fields)
    assert raised.value.param == param


def test_minus_one_asks_for_an_answer_without_limit() -> None:
    assert chat(max_tokens=-1).max_tokens == -1


def test_a_message_needs_a_role_that_exists() -> None:
    with pytest.raises(InvalidRequest) as raised:
        requests.chat(pb.ChatCompletionRequest(messages=[pb.Message(content="x")]), stream=False)
    assert raised.value.param == "messages[0].role"
    with pytest.raises(InvalidRequest):
        requests.chat(pb.ChatCompletionRequest(), stream=False)


def test_extra_takes_every_other_field() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"maxLength": 5}}}]
    asked = chat(extra=extra(seed=7, tools=tools, min_p=0.25, ignore_eos=True, user=None))
    assert (asked.seed, asked.min_p, asked.ignore_eos, asked.user) == (7, 0.25, True, None)
    assert asked.tools
    # whole numbers are whole: a schema with 5.0 in it would be another one
    assert repr(asked.tools[0].function.parameters) == "{'maxLength': 5}"


def test_extra_says_a_temperature_of_zero_too() -> None:
    assert chat(extra=extra(temperature=0)).temperature == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "x"}, "elsewhere"),
        ({"messages": []}, "elsewhere"),
        ({"stream": True}, "elsewhere"),
        ({"temperature": 1}, "elsewhere"),
        ({"nonsense": 1}, "There is no extra.nonsense"),
        ({"seed": math.nan}, "finite"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_extra_is_never_ignored_in_silence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        chat(temperature=0.5, extra=extra(**fields))


def test_pictures_and_calls_of_tools_are_parts_of_messages() -> None:
    part = extra(type="image_url", image_url={"url": "data:image/png;base64,AAAA"})
    call = pb.ToolCall(id="c", function=pb.FunctionCall(name="f", arguments="{}"))
    asked = requests.chat(
        pb.ChatCompletionRequest(
            messages=[
                pb.Message(role="user", parts=[part]),
                pb.Message(role="assistant", tool_calls=[call]),
                pb.Message(role="tool", content="42", tool_call_id="c"),
            ]
        ),
        stream=False,
    )
    seen, called, result = asked.messages
    assert seen.content == [
        schema.Part("image_url", image_url=schema.ImageUrl("data:image/png;base64,AAAA"))
    ]
    assert called.content is None
    assert called.tool_calls == [schema.ToolCall(schema.FunctionCall("f", "{}"), "c")]
    assert (result.content, result.tool_call_id) == ("42", "c")


def test_a_message_has_content_or_parts() -> None:
    both = pb.Message(role="user", content="x", parts=[extra(type="text", text="y")])
    with pytest.raises(InvalidRequest, match="content or parts"):
        requests.chat(pb.ChatCompletionRequest(messages=[both]), stream=False)


def test_texts_have_their_own_fields_in_extra() -> None:
    asked = requests.text(
        pb.CompletionRequest(
            prompt="a", max_tokens=3, top_p=0.9, extra=extra(echo=True, suffix="z", logprobs=2)
        ),
        stream=False,
    )
    assert (asked.prompt, asked.max_tokens, asked.top_p) == ("a", 3, 0.9)
    assert (asked.echo, asked.suffix, asked.logprobs) == (True, "z", 2)
    with pytest.raises(InvalidRequest, match=r"no extra\.tools"):
        requests.text(pb.CompletionRequest(prompt="a", extra=extra(tools=[])), stream=False)


def test_vectors_are_asked_for_in_a_form() -> None:
    asked = requests.embeddings(
        pb.EmbeddingsRequest(
            model_id="e", input=["这是第一段文本", "b"], encoding_format="base64", dimensions=8
        )
    )
    assert asked == schema.EmbeddingRequest(
        model="e", input=["这是第一段文本", "b"], encoding_format="base64", dimensions=8
    )
    assert requests.embeddings(pb.EmbeddingsRequest(input=["a"])).encoding_format is None
    with pytest.raises(InvalidRequest) as raised:
        requests.embeddings(pb.EmbeddingsRequest(input=["a"], encoding_format="hex"))
    assert raised.value.param == "encoding_format"
