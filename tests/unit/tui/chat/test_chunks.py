from __future__ import annotations

from llmd.tui.chat.chunks import take
from llmd.tui.chat.turns import Call, Turn, TurnState
from tests.fakes.chat_daemon import USAGE, chunk


def asking() -> Turn:
    return Turn("assistant", state=TurnState.ASKING)


def test_text_and_reasoning_gather() -> None:
    turn = asking()
    assert not take(turn, chunk(""), 0.1)
    assert turn.state is TurnState.ASKING
    assert take(turn, chunk(thought="hm"), 0.2)
    assert take(turn, chunk("Hello"), 0.3)
    assert take(turn, chunk(" you", finish_reason="stop"), 0.4)
    assert not take(turn, USAGE, 0.5)
    assert (turn.text, turn.reasoning, turn.model) == ("Hello you", "hm", "tiny")
    assert (turn.state, turn.first_token, turn.finish_reason) == (TurnState.WRITING, 0.2, "stop")
    assert turn.usage["completion_tokens"] == 312


def test_tool_calls_come_in_pieces() -> None:
    turn = asking()
    pieces = [
        [{"index": 0, "id": "a", "function": {"name": "add", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": '{"x":'}}],
        [{"index": 1, "id": "b", "function": {"name": "now", "arguments": "{}"}}],
        [{"index": 0, "function": {"arguments": " 1}"}}],
    ]
    for piece in pieces:
        assert take(turn, {"choices": [{"delta": {"tool_calls": piece}}]}, 1.0)
    assert turn.calls == [Call("a", "add", '{"x": 1}'), Call("b", "now", "{}")]
