from __future__ import annotations

import base64

import msgspec
from google.protobuf.json_format import MessageToDict

from llmd.server.completions import schema
from llmd.server.rpc.convert import answers

USAGE = schema.Usage(
    prompt_tokens=25,
    completion_tokens=40,
    total_tokens=65,
    prompt_tokens_details=schema.PromptTokensDetails(20),
    completion_tokens_details=schema.CompletionTokensDetails(7),
)
COMPLETION = schema.Completion(
    id="chatcmpl-123456",
    object="chat.completion",
    created=1677858242,
    model="gpt-4",
    choices=[],
    usage=USAGE,
)
FIGURES = {
    "prompt_tokens": 25,
    "completion_tokens": 40,
    "total_tokens": 65,
    "cached_tokens": 20,
    "reasoning_tokens": 7,
}


def replaced(**fields: object) -> schema.Completion:
    return msgspec.structs.replace(COMPLETION, **fields)


def plain(message: object) -> dict[str, object]:
    return MessageToDict(message, preserving_proto_field_name=True)  # type: ignore[arg-type]


def test_a_conversation_has_the_fields_of_the_json() -> None:
    choice = schema.ChatChoice(0, schema.ChatMessage("你好"), "stop")
    assert plain(answers.chat(replaced(choices=[choice]))) == {
        "id": "chatcmpl-123456",
        "object": "chat.completion",
        "created": "1677858242",
        "model": "gpt-4",
        "choices": [{"message": {"role": "assistant", "content": "你好"}, "finish_reason": "stop"}],
        "usage": FIGURES,
    }


def test_calls_of_tools_and_thoughts_are_told() -> None:
    call = schema.ToolCall(schema.FunctionCall("f", '{"a":1}'), "call_1")
    message = schema.ChatMessage(None, reasoning_content="hm", tool_calls=[call])
    found = answers.chat(replaced(choices=[schema.ChatChoice(0, message, "tool_calls")]))
    told = found.choices[0].message
    assert (told.content, told.reasoning_content) == ("", "hm")
    assert (told.tool_calls[0].id, told.tool_calls[0].type) == ("call_1", "function")
    assert told.tool_calls[0].function.arguments == '{"a":1}'


def test_pieces_of_a_conversation_are_told() -> None:
    piece = schema.ToolCallPiece(1, schema.FunctionPiece('{"', name="f"), id="c", type="function")
    delta = schema.ChatDelta("assistant", "a", "hm", [piece])
    chunk = answers.chat_chunk(replaced(choices=[schema.ChatChunkChoice(0, delta)], usage=None))
    assert not chunk.HasField("usage")
    choice = chunk.choices[0]
    assert (choice.finish_reason, choice.delta.content, choice.delta.role) == ("", "a", "assistant")
    call = choice.delta.tool_calls[0]
    assert (call.index, call.id, call.function.name, call.function.arguments) == (1, "c", "f", '{"')
    later = schema.ChatDelta(tool_calls=[schema.ToolCallPiece(1, schema.FunctionPiece("}"))])
    told = answers.chat_chunk(replaced(choices=[schema.ChatChunkChoice(0, later)]))
    assert told.choices[0].delta.tool_calls[0].function.name == ""


def test_texts_are_told_with_their_log_probabilities() -> None:
    explained = schema.TextLogprobs(["a"], [-0.5], [{"a": -0.5}], [0])
    choice = schema.TextChoice(1, "a", "length", explained)
    for message in (
        answers.text(replaced(choices=[choice])),
        answers.text_chunk(replaced(choices=[choice])),
    ):
        assert (message.choices[0].text, message.choices[0].index) == ("a", 1)
        assert message.choices[0].finish_reason == "length"
        assert dict(message.choices[0].logprobs)["token_logprobs"][0] == -0.5
        assert message.usage.total_tokens == 65


def test_log_probabilities_of_conversations_are_told() -> None:
    token = schema.TokenLogprob("a", -0.25, [97], [schema.TopLogprob("a", -0.25, [97])])
    choice = schema.ChatChoice(0, schema.ChatMessage("a"), "stop", schema.ChatLogprobs([token]))
    found = answers.chat(replaced(choices=[choice])).choices[0].logprobs
    assert found["content"][0]["top_logprobs"][0]["token"] == "a"


def test_vectors_are_numbers_or_base64() -> None:
    raw = base64.b64encode(b"\0\0\0\0").decode()
    found = answers.vectors(
        schema.EmbeddingList(
            [schema.Embedding(0, [0.5, -0.25]), schema.Embedding(1, raw)],
            "e",
            schema.EmbeddingUsage(20, 20),
        )
    )
    assert plain(found) == {
        "object": "list",
        "data": [
            {"object": "embedding", "embedding": [0.5, -0.25]},
            {"object": "embedding", "index": 1, "base64": raw},
        ],
        "model": "e",
        "usage": {"prompt_tokens": 20, "total_tokens": 20},
    }
