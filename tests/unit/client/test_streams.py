from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.client.streams import ndjson, read_object, server_sent
from llmd.errors import ContextOverflow, DaemonUnreachable, LlmdError, ModelNotFound

DONE = b"data: [DONE]\n"


def test_each_line_is_an_object_and_empty_ones_are_skipped() -> None:
    assert list(ndjson([b'{"a":1}\n', b"\n", b'{"b":2}'])) == [{"a": 1}, {"b": 2}]


def test_an_error_in_mid_stream_is_raised_after_what_came_before_it() -> None:
    stream = ndjson(
        [b'{"a":1}\n', b'{"error":{"code":"model_not_found","message":"no","hint":"pull"}}\n']
    )
    assert next(stream) == {"a": 1}
    with pytest.raises(ModelNotFound, match="no pull"):
        next(stream)


def test_events_end_at_done() -> None:
    lines = [
        b'data: {"a":1}\n',
        b"\n",
        b'data:{"b":2}\r\n',
        b"\r\n",
        DONE,
        b"\n",
        b'data: {"c":3}\n',
        b"\n",
    ]
    assert list(server_sent(lines)) == [{"a": 1}, {"b": 2}]


def test_comments_and_other_fields_of_events_are_ignored() -> None:
    lines = [b": ping\n", b"\n", b"event: x\n", b"id: 7\n", b'data: {"a":1}\n', b"\n", DONE, b"\n"]
    assert list(server_sent(lines)) == [{"a": 1}]


def test_data_over_several_lines_is_one_event() -> None:
    assert list(server_sent([b'data: {"a":\n', b"data: 1}\n", b"\n", DONE, b"\n"])) == [{"a": 1}]


def test_events_that_stop_without_done_are_an_error() -> None:
    stream = server_sent([b'data: {"a":1}\n', b"\n"])
    assert next(stream) == {"a": 1}
    with pytest.raises(DaemonUnreachable, match="before it was complete"):
        next(stream)


def test_an_error_event_is_raised_with_its_figures() -> None:
    event = b'data: {"error":{"message":"too long","code":"context_length_exceeded","details":{"needed":9}}}\n'
    with pytest.raises(ContextOverflow) as caught:
        list(server_sent([event, b"\n"]))
    assert caught.value.details == {"needed": 9}


@given(st.binary())
def test_whatever_is_no_object_is_an_llmd_error(data: bytes) -> None:
    try:
        found = read_object(data)
    except LlmdError:
        return
    assert isinstance(found, dict)
