from __future__ import annotations

import pytest

from llmd.errors import LlmdError
from llmd.tui.chat.turns import Call, Turn, TurnState, recalled

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


def test_a_question_with_pictures_becomes_parts_of_a_message() -> None:
    turn = Turn("user", "What is it?", images=["/a.png", "/gone.png"])
    assert turn.message({"/a.png": "data:x"}) == {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:x"}},
        ],
    }
    assert turn.message({}) == {"role": "user", "content": "What is it?"}


def test_calls_and_their_results_become_messages() -> None:
    asks = Turn("assistant", calls=[Call("c1", "add", "{}")])
    assert asks.message({}) == {"role": "assistant", "content": "", "tool_calls": [CALL]}
    result = Turn("tool", "3", call_id="c1")
    assert result.message({}) == {"role": "tool", "content": "3", "tool_call_id": "c1"}


@pytest.mark.parametrize("state", [TurnState.DONE, TurnState.STOPPED, TurnState.BROKEN])
def test_an_answer_comes_back_as_it_was_kept(state: TurnState) -> None:
    turn = Turn("assistant", "Hi", reasoning="hm", model="m", calls=[Call("c1", "add", "{}")])
    turn.usage = {"completion_tokens": 7}
    turn.end(state)
    found = recalled({**turn.kept_form(), "id": "m1"})
    assert (found.text, found.reasoning, found.model, found.calls) == (
        "Hi",
        "hm",
        "m",
        [Call("c1", "add", "{}")],
    )
    assert (found.state, found.kept, found.usage) == (state, "m1", {"completion_tokens": 7})


def test_a_question_is_kept_with_the_paths_of_its_pictures() -> None:
    kept = Turn("user", "What?", images=["/a.png"]).kept_form()
    assert kept["metadata_info"] == {"images": ["/a.png"], "media": 1}
    assert recalled({**kept, "id": "m"}).images == ["/a.png"]


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"tool_calls": "no list", "images": 7, "model": ["x"], "reasoning": None, "media": "2"},
        {"tool_calls": [1, {"function": "f"}, {"function": {"name": 3}}], "images": [1]},
    ],
)
def test_what_clients_put_into_metadata_does_no_harm(told: object) -> None:
    found = recalled({"id": "m", "role": "assistant", "content": "x", "metadata_info": told})
    assert (found.text, found.model, found.images, found.state) == ("x", "", [], TurnState.DONE)
    assert all(call == Call() for call in found.calls)


def test_pictures_of_other_clients_are_counted() -> None:
    kept = {"id": "m", "role": "user", "content": "x", "metadata_info": {"media": 2}}
    assert recalled(kept).media == 2


def test_what_ends_without_a_word_failed() -> None:
    error = LlmdError("No.")
    for state in (TurnState.BROKEN, TurnState.STOPPED):
        turn = Turn("assistant", reasoning="only thought", state=TurnState.ASKING)
        assert turn.busy
        turn.end(state, error)
        assert (turn.state, turn.error, turn.busy) == (TurnState.FAILED, error, False)
