from __future__ import annotations

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.kimi import FORMAT
from tests.unit.chat.tools.conftest import read

BEGIN, END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"


def call(name: str, number: int, arguments: str, end: str = "<|tool_call_end|>") -> str:
    return (
        f"<|tool_call_begin|>functions.{name}:{number}<|tool_call_argument_begin|>{arguments}{end}"
    )


TWO = [("special_function", {"arg1": 1}), ("python", {"code": "print('hey')"})]
IDS = ["functions.special_function:0", "functions.python:1"]


def two(end: str = "<|tool_call_end|>") -> str:
    return call("special_function", 0, '{"arg1": 1}', end) + call(
        "python", 1, '{"code": "print(\'hey\')"}', end
    )


def test_calls_keep_the_ids_that_hold_their_names() -> None:
    found = read(FORMAT, f"Hello!{BEGIN}{two()}{END}")
    assert (found.text, found.calls, found.ids) == ("Hello!", TWO, IDS)


@pytest.mark.parametrize("text", [f"{BEGIN}{two()}{END}", two(), two(end="")])
def test_calls_end_reasoning_and_may_lack_their_section(text: str) -> None:
    found = read(FORMAT, f"<think>two calls{text}", thinking=THINK)
    assert (found.text, found.reasoning, found.calls) == ("", "two calls", TWO)


def test_a_call_that_is_cut_off_keeps_what_came() -> None:
    found = read(FORMAT, BEGIN + call("special_function", 0, '{"arg1": ', ""))
    assert found.calls == [("special_function", '{"arg1": ')]


@pytest.mark.parametrize("text", [BEGIN, "<|tool_call_begin|>", call("f", 0, "x")])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text
