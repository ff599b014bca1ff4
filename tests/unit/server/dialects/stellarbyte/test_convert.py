from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.sessions import Session, SessionMessage
from llmd.server.completions import schema as completions
from llmd.server.dialects.stellarbyte import convert, schema

ID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1672531200.0, "2023-01-01T00:00:00"),
        (1672531260.999, "2023-01-01T00:01:00"),
        (0, "1970-01-01T00:00:00"),
    ],
)
def test_times_are_written_as_the_document_has_them(seconds: float, shown: str) -> None:
    assert convert.moment(seconds) == shown


def test_a_session_is_the_object_of_the_document() -> None:
    found = Session(
        id=ID, title="新会话", owner="ann", created_at=1672531200, updated_at=1672531260, model="m"
    )
    assert msgspec.to_builtins(convert.session(found)) == {
        "id": ID,
        "title": "新会话",
        "created_at": "2023-01-01T00:00:00",
        "updated_at": "2023-01-01T00:01:00",
        "is_active": True,
    }


def test_a_message_is_the_object_of_the_document() -> None:
    found = SessionMessage(
        id="1", session_id=ID, role="user", content="你好", created_at=1672531200, tokens=2
    )
    assert msgspec.to_builtins(convert.message(found)) == {
        "id": "1",
        "session_id": ID,
        "role": "user",
        "content": "你好",
        "created_at": "2023-01-01T00:00:00",
        "tokens": 2,
        "metadata_info": {},
    }


def test_a_message_of_the_socket_is_a_request() -> None:
    asked = schema.ChatEvent(type="chat.message", content="你好", max_tokens=5, stop="x")
    found = convert.chat_request(asked)
    assert found.messages == [completions.Message("user", "你好")]
    assert (found.max_tokens, found.stop, found.stream, found.model) == (5, "x", True, None)


def test_a_message_of_the_socket_may_ask_for_an_answer_without_limit() -> None:
    body = b'{"type": "chat.message", "content": "x", "max_tokens": -1}'
    asked = msgspec.json.decode(body, type=schema.ChatEvent)
    assert convert.chat_request(asked).max_tokens == -1


def chunk(delta: completions.ChatDelta) -> completions.Completion:
    choices = [completions.ChatChunkChoice(0, delta)]
    return completions.Completion(id="1", object="o", created=1, model="m", choices=choices)


def test_text_alone_makes_an_event() -> None:
    for silent in (
        completions.ChatDelta("assistant", ""),
        completions.ChatDelta(reasoning_content="hm"),
    ):
        assert convert.events(chunk(silent)) == []
    (event,) = convert.events(chunk(completions.ChatDelta(content="你")))
    assert msgspec.to_builtins(event) == {
        "event": "content_block_delta",
        "data": {"index": 0, "delta": {"type": "text_delta", "text": "你"}},
    }


def test_an_answer_ends_in_three_events() -> None:
    assert msgspec.to_builtins(convert.closing("stop", 10)) == [
        {"event": "content_block_stop", "data": {"index": 0}},
        {
            "event": "message_delta",
            "data": {"delta": {"finish_reason": "stop"}, "usage": {"output_tokens": 10}},
        },
        {"event": "message_stop", "data": {}},
    ]
