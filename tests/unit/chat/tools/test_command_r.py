from __future__ import annotations

import pytest

from llmd.chat.reasoning import COMMAND_R
from llmd.chat.tools.command_r import FORMAT
from tests.unit.chat.tools.conftest import read

ACTION = (
    "<|START_ACTION|>[\n"
    '    {"tool_call_id": "0", "tool_name": "special_function", "parameters": {"arg1": 1}},\n'
    '    {"tool_call_id": "1", "tool_name": "python", "parameters": {"code": "x"}}\n'
    "]<|END_ACTION|>"
)
ANSWER = "<|START_RESPONSE|>Hello, world!\nWhat's up?<|END_RESPONSE|>"


@pytest.mark.parametrize(
    ("before", "opened", "reasoning"),
    [
        ("<|START_THINKING|>I'm\nthinking<|END_THINKING|>", "", "I'm\nthinking"),
        ("I'm\nthinking<|END_THINKING|>", "<|START_THINKING|>", "I'm\nthinking"),
        ("<|START_THINKING|><|END_THINKING|>", "", ""),
        ("", "", ""),
    ],
)
def test_reasoning_then_calls_or_an_answer(before: str, opened: str, reasoning: str) -> None:
    calling = read(FORMAT, before + ACTION, thinking=COMMAND_R, opened=opened)
    assert (calling.text, calling.reasoning) == ("", reasoning)
    assert calling.calls == [("special_function", {"arg1": 1}), ("python", {"code": "x"})]
    answering = read(FORMAT, before + ANSWER, thinking=COMMAND_R, opened=opened)
    assert (answering.text, answering.reasoning) == ("Hello, world!\nWhat's up?", reasoning)


def test_ids_that_begin_anew_in_every_answer_are_replaced() -> None:
    assert read(FORMAT, ACTION).ids == ["call_1", "call_2"]


def test_newer_models_mark_texts_in_another_way() -> None:
    assert read(FORMAT, "<|START_TEXT|>Hello!<|END_TEXT|>").text == "Hello!"


@pytest.mark.parametrize("text", ["<|START_ACTION|>", "<|START_ACTION|>[", "<|START_ACTION|>[{}]"])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text
