from __future__ import annotations

from typing import Any

import msgspec
import pytest

from llmd.protocol import events as native
from llmd.protocol.questions import Detokenize, Score, Scores, Tokenize, Tokens
from llmd.protocol.requests import Adapter, InfillPrompt, TextPrompt, TokenPrompt
from llmd.server.completions import schema
from llmd.server.completions.convert.texts import Echo, TextAnswer, echo, echo_question
from llmd.server.http.body import decode_json

FINISHED = native.Finished(
    native.FinishReason.STOP, native.Usage(prompt_tokens=3, completion_tokens=2)
)


def text(**fields: object) -> schema.CompletionRequest:
    return decode_json(msgspec.json.encode(fields), schema.CompletionRequest)


def item(piece: str, logprob: float) -> native.TokenLogprob:
    return native.TokenLogprob(1, piece.encode(), logprob, [(1, piece.encode(), logprob)])


SCORES = Scores(b"On", False, [item("ce", -0.25)])


def whole(asked: schema.CompletionRequest, echoes: list[Echo], *texts: Any) -> dict[str, Any]:
    answer = TextAnswer("m", asked, echoes)
    for index, deltas in enumerate(texts):
        for delta in deltas:
            answer.take(index, delta)
        answer.take(index, FINISHED)
    return msgspec.to_builtins(answer.whole())


@pytest.mark.parametrize(
    ("fields", "prompt", "question"),
    [
        ({}, TokenPrompt([1]), None),
        ({"echo": True}, TextPrompt("a"), None),
        ({"echo": True}, InfillPrompt("a", "b"), None),
        ({"echo": True}, TokenPrompt([1]), Detokenize([1])),
        ({"echo": True, "max_tokens": 0}, TextPrompt("a"), Tokenize("a", add_special=True)),
        (
            {"echo": True, "logprobs": 2, "lora": [{"id": "x"}]},
            TextPrompt("a"),
            Score(TextPrompt("a"), 2, [Adapter("x")]),
        ),
    ],
)
def test_the_model_is_asked_only_what_an_echo_needs(
    fields: dict[str, object], prompt: Any, question: object
) -> None:
    assert echo_question(text(**fields), prompt) == question


def test_a_prompt_is_echoed_as_it_was_sent() -> None:
    asked = text(echo=True)
    assert echo(asked, TextPrompt("a"), None) == Echo("a")
    assert echo(asked, InfillPrompt("a", "b"), None) == Echo("a")
    assert echo(asked, TokenPrompt([1]), Tokens([1], [b"\xc3\xa9"])) == Echo("\u00e9", 1)
    assert echo(text(), TextPrompt("a"), None) == Echo()


def test_the_first_token_of_a_prompt_has_no_logprob() -> None:
    asked = text(echo=True, logprobs=1)
    body = whole(
        asked,
        [echo(asked, TextPrompt("Once"), SCORES)],
        [native.Delta(" up", 1, [item(" up", -0.5)])],
    )
    (choice,) = body["choices"]
    assert choice["text"] == "Once up"
    assert choice["logprobs"] == {
        "tokens": ["On", "ce", " up"],
        "token_logprobs": [None, -0.25, -0.5],
        "top_logprobs": [None, {"ce": -0.25}, {" up": -0.5}],
        "text_offset": [0, 2, 4],
    }


def test_a_bos_that_nobody_wrote_is_not_echoed() -> None:
    asked = text(echo=True, logprobs=0)
    scores = Scores(b"<s>", True, [item("On", -3.0), item("ce", -0.25)])
    found = echo(asked, TextPrompt("Once"), scores)
    assert [token for token, _, _ in found.explained] == ["On", "ce"]
    assert found.explained[0][1] == -3.0


def test_an_echo_alone_is_complete_at_once() -> None:
    asked = text(echo=True, logprobs=1, max_tokens=0)
    body = whole(asked, [echo(asked, TextPrompt("Once"), SCORES)])
    (choice,) = body["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("Once", "length")
    assert choice["logprobs"]["tokens"] == ["On", "ce"]
    assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]) == (2, 0)


def test_an_echo_alone_can_be_streamed() -> None:
    asked = text(echo=True, max_tokens=0, stream=True)
    answer = TextAnswer("m", asked, [Echo("Once", 2)])
    (chunk,) = answer.opening()
    (choice,) = msgspec.to_builtins(chunk)["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("Once", "length")


def test_the_likeliest_answers_per_token_are_shown_in_order() -> None:
    asked = text(best_of=3, n=2)
    body = whole(
        asked,
        [Echo()],
        [native.Delta("bad", 1, [item("bad", -5.0)])],
        [native.Delta("long good", 2, [item("long", -1.0), item(" good", -1.0)])],
        [native.Delta("fair", 1, [item("fair", -1.5)])],
    )
    assert [(c["index"], c["text"]) for c in body["choices"]] == [(0, "long good"), (1, "fair")]
    assert all(choice["logprobs"] is None for choice in body["choices"])
    assert body["usage"]["completion_tokens"] == 6
    assert body["usage"]["prompt_tokens"] == 3


def test_the_best_is_chosen_for_each_prompt() -> None:
    texts = [
        [native.Delta(name, 1, [item(name, logprob)])]
        for name, logprob in (("a1", -2.0), ("a2", -1.0), ("b1", -1.0), ("b2", -2.0))
    ]
    body = whole(text(best_of=2, logprobs=0), [Echo(), Echo()], *texts)
    assert [choice["text"] for choice in body["choices"]] == ["a2", "b1"]
    assert body["choices"][0]["logprobs"]["tokens"] == ["a2"]


def test_an_answer_without_tokens_ranks_last_not_first() -> None:
    body = whole(text(best_of=2), [Echo()], [], [native.Delta("x", 1, [item("x", -3.0)])])
    assert body["choices"][0]["text"] == "x"


def test_a_streamed_plain_completion() -> None:
    asked = text(prompt=["a", "b"], stream=True, echo=True)
    answer = TextAnswer("m", asked, [Echo("a"), Echo("b")])
    assert [c["text"] for c in msgspec.to_builtins(answer.opening()[0])["choices"]] == ["a", "b"]
    answer.take(1, native.Delta("x", 1))
    (chunk,) = answer.chunks(1, native.Delta("x", 1))
    body = msgspec.to_builtins(chunk)
    assert body["object"] == "text_completion"
    assert body["choices"] == [{"index": 1, "text": "x", "finish_reason": None, "logprobs": None}]
