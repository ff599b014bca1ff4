from __future__ import annotations

from typing import Any

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.server.completions import schema
from llmd.server.dialects.native.convert import generating
from llmd.server.dialects.native.errors import Problem
from llmd.server.dialects.native.schema import Generate

USAGE = schema.Usage(prompt_tokens=15, completion_tokens=128, total_tokens=143)


def plain(value: object) -> Any:
    return msgspec.to_builtins(value)


def completion(*choices: Any, usage: schema.Usage | None = None) -> schema.Completion:
    return schema.Completion(
        id="x", object="o", created=1, model="m", choices=list(choices), usage=usage
    )


def piece(text: str = "", reason: str | None = None, thought: str | None = None) -> Any:
    return completion(schema.ChatChunkChoice(0, schema.ChatDelta("", text, thought), reason))


def test_a_prompt_becomes_a_conversation() -> None:
    found = generating.asked(Generate(prompt="你好", model="m", seed=3, stop=["x"]))
    assert isinstance(found, schema.ChatRequest)
    assert plain(found.messages) == [{"role": "user", "content": "你好"}]
    assert (found.model, found.seed, found.stop) == ("m", 3, ["x"])


def test_a_system_prompt_goes_before_it() -> None:
    found = generating.asked(Generate(prompt="p", system="s", reasoning_budget=5))
    assert isinstance(found, schema.ChatRequest)
    assert [message.role for message in found.messages] == ["system", "user"]
    assert found.reasoning_budget == 5


def test_every_field_that_is_shared_is_passed_on() -> None:
    request = Generate(prompt="p", temperature=0.5, top_k=3, lane="batch", keep_alive="5m", n=1)
    for raw in (False, True):
        found = generating.asked(msgspec.structs.replace(request, raw=raw))
        for name in schema.Options.__struct_fields__:
            if name != "stream_options":
                assert getattr(found, name) == getattr(request, name)


def test_a_raw_prompt_is_continued() -> None:
    found = generating.asked(Generate(prompt="once", raw=True))
    assert isinstance(found, schema.CompletionRequest)
    assert found.prompt == "once"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"raw": True, "system": "s"}, "system"),
        ({"raw": True, "enable_thinking": False}, "enable_thinking"),
        ({"raw": True, "reasoning_budget": 3}, "reasoning_budget"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        generating.asked(Generate(prompt="p", **fields))
    assert caught.value.param == param


def test_requests_of_a_batch_let_others_go_first_unless_they_say() -> None:
    assert generating.patient(Generate(prompt="p")).lane == "batch"
    assert generating.patient(Generate(prompt="p", lane="interactive")).lane == "interactive"
    assert generating.patient(Generate(prompt="p", service_tier="default")).lane is None
    with pytest.raises(InvalidRequest) as caught:
        generating.patient(Generate(prompt="p", stream=True))
    assert caught.value.param == "stream"


def test_a_whole_answer_has_the_documented_fields() -> None:
    choice = schema.ChatChoice(0, schema.ChatMessage("人工智能是..."), "stop")
    body = plain(generating.generated(completion(choice, usage=USAGE), 2.30004))
    assert body["text"] == "人工智能是..."
    assert {"prompt_tokens": 15, "completion_tokens": 128, "total_tokens": 143}.items() <= body[
        "usage"
    ].items()
    assert body["latency"] == 2.3
    assert (body["model"], body["finish_reason"]) == ("m", "stop")
    assert "reasoning_content" not in body


def test_reasoning_is_no_part_of_the_text() -> None:
    message = schema.ChatMessage(None, reasoning_content="hm")
    choice = schema.ChatChoice(0, message, "length")
    body = generating.generated(completion(choice, usage=USAGE), 1)
    assert (body.text, body.reasoning_content, body.finish_reason) == ("", "hm", "length")


def test_a_continued_text_has_the_same_shape() -> None:
    choice = schema.TextChoice(0, "upon a time", "stop")
    assert generating.generated(completion(choice, usage=USAGE), 1).text == "upon a time"


def test_a_piece_is_no_whole_answer() -> None:
    with pytest.raises(TypeError):
        generating.generated(piece("x"), 1)
    with pytest.raises(TypeError):
        generating.generated(completion(schema.TextChoice(0, "x")), 1)


def test_a_result_is_an_answer_or_an_error_and_nothing_else() -> None:
    choice = schema.TextChoice(0, "回答1", "stop")
    good = plain(generating.result(generating.generated(completion(choice, usage=USAGE), 1)))
    assert set(good) == {"text", "usage", "latency", "model", "finish_reason"}
    assert plain(generating.result(Problem("C", "m", "d"))) == {
        "error": {"code": "C", "message": "m", "details": "d"}
    }


def test_a_stream_reads_as_documented() -> None:
    progress = generating.Progress()
    events = [
        progress.take([piece()]),
        progress.take([piece("人")]),
        progress.take([piece("工"), piece("智")]),
        progress.take([piece("能"), piece(reason="stop")]),
        progress.take([completion(usage=USAGE)]),
    ]
    assert [plain(event) for event in events if event] == [
        {"token": "人", "finished": False},
        {"token": "工智", "finished": False},
    ]
    last = plain(progress.end(1.23456))
    assert (last["token"], last["finished"], last["finish_reason"]) == ("能", True, "stop")
    assert last["usage"]["total_tokens"] == 143
    assert (last["latency"], last["model"]) == (1.235, "m")


def test_an_end_that_comes_alone_is_an_event_without_text() -> None:
    progress = generating.Progress()
    assert progress.take([completion(schema.TextChoice(0, "a"))])
    assert progress.take([completion(schema.TextChoice(0, "", "length"))]) is None
    last = progress.end(1)
    assert (last.token, last.finished, last.finish_reason) == ("", True, "length")


def test_reasoning_is_streamed_beside_the_text() -> None:
    event = generating.Progress().take([piece(thought="hm")])
    assert plain(event) == {"token": "", "finished": False, "reasoning_content": "hm"}


def test_a_failure_is_the_last_event() -> None:
    assert plain(generating.broken(Problem("C", "m", "d"))) == {
        "token": "",
        "finished": True,
        "error": {"code": "C", "message": "m", "details": "d"},
    }
