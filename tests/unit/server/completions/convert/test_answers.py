from __future__ import annotations

import msgspec

from llmd.protocol import events as native
from llmd.server.completions import schema
from llmd.server.completions.convert import answers
from llmd.server.http.body import decode_json


def chat(**fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return decode_json(msgspec.json.encode(body), schema.ChatRequest)


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


def test_timings_tell_rates_of_the_slowest_choice_and_drafts_of_all() -> None:
    quick = native.Usage(prompt_tokens=10, completion_tokens=5, drafted_tokens=4, accepted_tokens=1)
    slow = native.Usage(
        prompt_tokens=10,
        completion_tokens=9,
        cached_tokens=6,
        drafted_tokens=4,
        accepted_tokens=3,
        prefill_seconds=2.0,
        decode_seconds=4.0,
    )
    timings = msgspec.to_builtins(answers.usage([quick, slow], 2))["timings"]
    assert timings["prompt_per_second"] == 2
    assert timings["predicted_per_second"] == 2
    assert (timings["drafted_tokens"], timings["accepted_tokens"]) == (8, 4)
    assert timings["draft_acceptance"] == 0.5


def test_timings_leave_out_what_did_not_happen() -> None:
    timings = msgspec.to_builtins(answers.usage([native.Usage()], 1))["timings"]
    assert set(timings) == {"queue_seconds", "prefill_seconds", "decode_seconds"}


def test_a_stream_ends_with_its_timings_for_those_who_ask() -> None:
    answer = answers.ChatAnswer("m", 1, chat(stream=True, timings=True))
    answer.take(0, FINISHED)
    (last,) = answer.closing()
    assert "timings" in msgspec.to_builtins(last)["usage"]


def test_usage_tells_what_was_guessed_rightly_and_wrongly() -> None:
    parts = [
        native.Usage(completion_tokens=9, drafted_tokens=8, accepted_tokens=5, reasoning_tokens=2),
        native.Usage(completion_tokens=4, drafted_tokens=2, accepted_tokens=2),
    ]
    details = answers.usage(parts, 2).completion_tokens_details
    assert msgspec.to_builtins(details) == {
        "reasoning_tokens": 2,
        "accepted_prediction_tokens": 7,
        "rejected_prediction_tokens": 3,
    }


CALLS = [
    native.Delta("", 2, reasoning="Hm."),
    native.Delta("", 3, calls=[native.CallDelta(0, "call_1", "f", '{"a"')]),
    native.Delta(
        "", 1, calls=[native.CallDelta(0, arguments=": 1}"), native.CallDelta(1, "2", "g")]
    ),
    native.Finished(native.FinishReason.TOOL_CALLS, native.Usage()),
]


def test_a_whole_answer_of_calls_has_no_content() -> None:
    answer = answers.ChatAnswer("m", 1, chat())
    for event in CALLS:
        answer.take(0, event)
    (choice,) = msgspec.to_builtins(answer.whole())["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Hm.",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "f", "arguments": '{"a": 1}'},
            },
            {"id": "2", "type": "function", "function": {"name": "g", "arguments": ""}},
        ],
    }


def test_text_beside_calls_is_content() -> None:
    answer = answers.ChatAnswer("m", 1, chat())
    for event in (native.Delta("Let me.", 2), *CALLS[1:]):
        answer.take(0, event)
    assert msgspec.to_builtins(answer.whole())["choices"][0]["message"]["content"] == "Let me."


def test_calls_and_reasoning_stream_piece_by_piece() -> None:
    answer = answers.ChatAnswer("m", 1, chat(stream=True))
    chunks = [chunk for event in CALLS for chunk in answer.chunks(0, event)]
    deltas = [msgspec.to_builtins(chunk)["choices"][0]["delta"] for chunk in chunks]
    first = {"index": 0, "id": "call_1", "type": "function"}
    second = {"index": 1, "id": "2", "type": "function"}
    assert deltas == [
        {"reasoning_content": "Hm."},
        {"tool_calls": [{**first, "function": {"name": "f", "arguments": '{"a"'}}]},
        {
            "tool_calls": [
                {"index": 0, "function": {"arguments": ": 1}"}},
                {**second, "function": {"name": "g", "arguments": ""}},
            ]
        },
        {},
    ]
