from __future__ import annotations

import base64

import msgspec
import numpy as np
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol import events as native
from llmd.protocol.models import Kind, ModelManifest
from llmd.server.dialects.openai import schema
from llmd.server.dialects.openai.convert import answers
from llmd.server.http.body import decode_json

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


def embeddings(count: int) -> native.Embeddings:
    rows = np.eye(count, 4, dtype="<f4") * 0.6 + 0.4
    return native.Embeddings(4, [row.tobytes() for row in rows], 7)


def test_vectors_as_numbers_and_as_base64() -> None:
    plain = answers.embedding_list(schema.EmbeddingRequest(input="x"), MODEL, embeddings(2))
    packed = answers.embedding_list(
        schema.EmbeddingRequest(input="x", encoding_format="base64"), MODEL, embeddings(2)
    )
    for index in range(2):
        raw = packed.data[index].embedding
        assert isinstance(raw, str)
        assert np.frombuffer(base64.b64decode(raw), "<f4").tolist() == plain.data[index].embedding
    assert plain.usage.total_tokens == 7


def test_fewer_dimensions_are_cut_and_normalised_and_more_refused() -> None:
    asked = schema.EmbeddingRequest(input="x", dimensions=2)
    vector = answers.embedding_list(asked, MODEL, embeddings(1)).data[0].embedding
    assert np.linalg.norm(vector) == pytest.approx(1)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest):
        answers.embedding_list(
            schema.EmbeddingRequest(input="x", dimensions=5), MODEL, embeddings(1)
        )


def item(piece: str, logprob: float) -> native.TokenLogprob:
    return native.TokenLogprob(
        1, piece.encode(), logprob, [(1, piece.encode(), logprob), (2, b"\xff", -5.0)]
    )


FINISHED = native.Finished(
    native.FinishReason.STOP, native.Usage(prompt_tokens=3, completion_tokens=2)
)


def test_a_whole_chat_answer() -> None:
    answer = answers.ChatAnswer("m", 1, chat())
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
    answer = answers.ChatAnswer("m", 1, chat(stream=True, stream_options={"include_usage": True}))
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
    assert bodies[2]["choices"][0] == {
        "index": 0,
        "delta": {},
        "finish_reason": "stop",
        "logprobs": None,
    }
    assert bodies[3]["choices"] == []


def test_a_stream_without_usage_does_not_mention_it() -> None:
    answer = answers.ChatAnswer("m", 1, chat(stream=True))
    assert "usage" not in msgspec.to_builtins(answer.opening()[0])
    assert answer.closing() == []


def test_the_prompt_of_several_choices_counts_once_and_of_several_prompts_each() -> None:
    parts = [native.Usage(prompt_tokens=3, completion_tokens=1)] * 4
    assert answers.usage(parts, 2).prompt_tokens == 6
    assert answers.usage(parts, 1).prompt_tokens == 12
    assert answers.usage(parts, 4).total_tokens == 7


def test_plain_completions_echo_and_place_their_logprobs() -> None:
    answer = answers.TextAnswer("m", 1, text(prompt="Once", echo=True, logprobs=1))
    for event in (
        native.Delta(" up", 1, [item(" up", -0.5)]),
        native.Delta("on", 1, [item("on", -0.1)]),
        FINISHED,
    ):
        answer.take(0, event)
    (choice,) = msgspec.to_builtins(answer.whole())["choices"]
    assert choice["text"] == "Once upon"
    assert choice["logprobs"]["tokens"] == [" up", "on"]
    assert choice["logprobs"]["text_offset"] == [4, 7]


def test_a_streamed_plain_completion() -> None:
    answer = answers.TextAnswer("m", 2, text(prompt=["a", "b"], stream=True, echo=True))
    assert [c["text"] for c in msgspec.to_builtins(answer.opening()[0])["choices"]] == ["a", "b"]
    answer.take(1, native.Delta("x", 1))
    (chunk,) = answer.chunks(1, native.Delta("x", 1))
    body = msgspec.to_builtins(chunk)
    assert body["object"] == "text_completion"
    assert body["choices"] == [{"index": 1, "text": "x", "finish_reason": None, "logprobs": None}]
