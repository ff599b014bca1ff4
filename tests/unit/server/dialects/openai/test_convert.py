from __future__ import annotations

import base64

import msgspec
import numpy as np
import pytest

from llmd.config.settings import SamplingSettings
from llmd.errors import InvalidRequest
from llmd.protocol import events as native
from llmd.protocol.models import Kind, ModelManifest
from llmd.protocol.requests import ChatPrompt, Overflow, Sampling, TextPrompt, TokenPrompt
from llmd.server.dialects.openai import convert, schema
from llmd.server.http.body import decode_json

DEFAULTS = SamplingSettings()
MODEL = ModelManifest(
    name="m",
    path="/m.gguf",
    source="builtin",
    kind=Kind.EMBEDDING,
    architecture="bert",
    parameters=1,
    quantization="Q8_0",
    size=1,
    context_length=512,
    added=1.0,
    owned=False,
)


def chat(**fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return decode_json(msgspec.json.encode(body), schema.ChatRequest)


def text(**fields: object) -> schema.CompletionRequest:
    return decode_json(msgspec.json.encode(fields), schema.CompletionRequest)


def test_wishes_win_over_defaults_and_null_is_no_wish() -> None:
    request = chat(temperature=0, top_p=None, seed=3, logit_bias={"7": -100}, presence_penalty=0.5)
    assert convert.sampling(request, DEFAULTS) == Sampling(
        temperature=0, top_k=40, top_p=0.95, min_p=0.05, seed=3, logit_bias={7: -100}, presence_penalty=0.5
    )


def test_a_conversation_becomes_a_chat_prompt() -> None:
    request = chat(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "extra": 1},
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
    (made,) = convert.chat_requests(request, DEFAULTS)
    assert isinstance(made.prompt, ChatPrompt)
    assert [message["role"] for message in made.prompt.messages] == ["system", "user", "assistant", "tool"]
    assert made.prompt.messages[1]["content"][1] == {"type": "text", "text": "b"}
    assert made.prompt.tools == [{"type": "function"}]
    assert made.prompt.template_arguments == {"enable_thinking": True}
    assert (made.stop, made.max_tokens, made.overflow) == (["END"], 5, Overflow.TRUNCATE)


def test_several_choices_of_one_seed_differ() -> None:
    requests = convert.chat_requests(chat(n=3, seed=10), DEFAULTS)
    assert [request.sampling.seed for request in requests] == [10, 11, 12]


def test_tool_choice_none_hides_the_tools() -> None:
    (made,) = convert.chat_requests(chat(tools=[{"type": "function"}], tool_choice="none"), DEFAULTS)
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
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
    ],
)
def test_what_llmd_cannot_do_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        convert.chat_requests(chat(**fields), DEFAULTS)
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
    assert convert.prompts("a") == [TextPrompt("a")]
    assert convert.prompts(["a", "b"]) == [TextPrompt("a"), TextPrompt("b")]
    assert convert.prompts([1, 2]) == [TokenPrompt([1, 2])]
    assert convert.prompts([[1], [2, 3]]) == [TokenPrompt([1]), TokenPrompt([2, 3])]
    for wrong in (["a", 1], ["a", [1]], []):
        with pytest.raises(InvalidRequest):
            convert.prompts(wrong)


@pytest.mark.parametrize(("fields", "param"), [({"suffix": "x"}, "suffix"), ({"best_of": 3, "n": 1}, "best_of")])
def test_plain_completions_refuse_what_they_cannot_do(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        convert.completion_requests(text(prompt="x", **fields), DEFAULTS)
    assert caught.value.param == param


def embeddings(count: int) -> native.Embeddings:
    rows = np.eye(count, 4, dtype="<f4") * 0.6 + 0.4
    return native.Embeddings(4, [row.tobytes() for row in rows], 7)


def test_vectors_as_numbers_and_as_base64() -> None:
    plain = convert.embedding_list(schema.EmbeddingRequest(input="x"), MODEL, embeddings(2))
    packed = convert.embedding_list(schema.EmbeddingRequest(input="x", encoding_format="base64"), MODEL, embeddings(2))
    for index in range(2):
        raw = packed.data[index].embedding
        assert isinstance(raw, str)
        assert np.frombuffer(base64.b64decode(raw), "<f4").tolist() == plain.data[index].embedding
    assert plain.usage.total_tokens == 7


def test_fewer_dimensions_are_cut_and_normalised_and_more_refused() -> None:
    asked = schema.EmbeddingRequest(input="x", dimensions=2)
    vector = convert.embedding_list(asked, MODEL, embeddings(1)).data[0].embedding
    assert np.linalg.norm(vector) == pytest.approx(1)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest):
        convert.embedding_list(schema.EmbeddingRequest(input="x", dimensions=5), MODEL, embeddings(1))


def item(piece: str, logprob: float) -> native.TokenLogprob:
    return native.TokenLogprob(1, piece.encode(), logprob, [(1, piece.encode(), logprob), (2, b"\xff", -5.0)])


FINISHED = native.Finished(native.FinishReason.STOP, native.Usage(prompt_tokens=3, completion_tokens=2))


def test_a_whole_chat_answer() -> None:
    answer = convert.ChatAnswer("m", 1, chat())
    for event in (native.Delta("He", 1, [item("He", -0.5)]), native.Delta("y", 1), FINISHED):
        answer.take(0, event)
    body = msgspec.to_builtins(answer.whole())
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"] == {"content": "Hey", "role": "assistant"}
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["choices"][0]["logprobs"]["content"][0]["top_logprobs"][1]["bytes"] == [255]
    assert body["usage"]["total_tokens"] == 5
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}
    assert "dropped_tokens" not in body["usage"]


def test_a_streamed_chat_answer_with_usage() -> None:
    answer = convert.ChatAnswer("m", 1, chat(stream=True, stream_options={"include_usage": True}))
    chunks = answer.opening()
    for event in (native.Accepted(3), native.Delta("Hey", 1), FINISHED):
        answer.take(0, event)
        chunks += answer.chunks(0, event)
    chunks += answer.closing()
    bodies = [msgspec.to_builtins(chunk) for chunk in chunks]
    assert {body["object"] for body in bodies} == {"chat.completion.chunk"}
    assert len({body["id"] for body in bodies}) == 1
    assert [body["usage"] is None for body in bodies] == [True, True, True, False]
    assert bodies[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert bodies[1]["choices"][0]["delta"] == {"content": "Hey"}
    assert bodies[2]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}
    assert bodies[3]["choices"] == []


def test_a_stream_without_usage_does_not_mention_it() -> None:
    answer = convert.ChatAnswer("m", 1, chat(stream=True))
    assert "usage" not in msgspec.to_builtins(answer.opening()[0])
    assert answer.closing() == []


def test_the_prompt_of_several_choices_counts_once_and_of_several_prompts_each() -> None:
    parts = [native.Usage(prompt_tokens=3, completion_tokens=1)] * 4
    assert convert.usage(parts, 2).prompt_tokens == 6
    assert convert.usage(parts, 1).prompt_tokens == 12
    assert convert.usage(parts, 4).total_tokens == 7


def test_plain_completions_echo_and_place_their_logprobs() -> None:
    answer = convert.TextAnswer("m", 1, text(prompt="Once", echo=True, logprobs=1))
    for event in (native.Delta(" up", 1, [item(" up", -0.5)]), native.Delta("on", 1, [item("on", -0.1)]), FINISHED):
        answer.take(0, event)
    (choice,) = msgspec.to_builtins(answer.whole())["choices"]
    assert choice["text"] == "Once upon"
    assert choice["logprobs"]["tokens"] == [" up", "on"]
    assert choice["logprobs"]["text_offset"] == [4, 7]


def test_a_streamed_plain_completion() -> None:
    answer = convert.TextAnswer("m", 2, text(prompt=["a", "b"], stream=True, echo=True))
    assert [c["text"] for c in msgspec.to_builtins(answer.opening()[0])["choices"]] == ["a", "b"]
    answer.take(1, native.Delta("x", 1))
    (chunk,) = answer.chunks(1, native.Delta("x", 1))
    body = msgspec.to_builtins(chunk)
    assert body["object"] == "text_completion"
    assert body["choices"] == [{"index": 1, "text": "x", "finish_reason": None, "logprobs": None}]
