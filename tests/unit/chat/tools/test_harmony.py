from __future__ import annotations

import pytest

from llmd.chat.reasoning import HARMONY
from llmd.chat.tools.harmony import FORMAT
from tests.unit.chat.tools.conftest import Read
from tests.unit.chat.tools.conftest import read as read_any

THOUGHT = "<|channel|>analysis<|message|>I'm\nthinking<|end|>"
FINAL = "<|channel|>final<|message|>Hello, world!\nWhat's up?"
ONE = [("special_function", {"arg1": 1})]


def read(text: str, **wishes: object) -> Read:
    return read_any(FORMAT, text, thinking=HARMONY, **wishes)  # type: ignore[arg-type]


@pytest.mark.parametrize("channel", ["final", "commentary", "unheard_of"])
def test_whatever_is_not_analysis_is_shown(channel: str) -> None:
    assert read(FINAL.replace("final", channel)).text == "Hello, world!\nWhat's up?"


@pytest.mark.parametrize(
    "between", ["<|start|>assistant", "<|start|>assistant<|channel|>commentary to=assistant"]
)
def test_analysis_is_reasoning(between: str) -> None:
    found = read(f"{THOUGHT}{between}{FINAL}")
    assert (found.reasoning, found.text) == ("I'm\nthinking", "Hello, world!\nWhat's up?")
    assert read("<|channel|>commentary to=assistant" + THOUGHT).reasoning == "I'm\nthinking"
    assert read("<|channel|>analysis<|message|>I'm\nthinking").reasoning == "I'm\nthinking"


def test_reasoning_that_is_not_kept_apart_keeps_its_marks() -> None:
    found = read(f"{THOUGHT}<|start|>assistant{FINAL}", separate=False)
    assert found.text == f"{THOUGHT}Hello, world!\nWhat's up?"


@pytest.mark.parametrize(
    "head",
    [
        " to=functions.special_function<|channel|>analysis",
        "<|channel|>analysis to=functions.special_function",
        " to=functions.special_function<|channel|>analysis <|constrain|>json",
        "<|channel|>commentary to=functions.special_function",
        "<|channel|>commentary to=functions.special_function <|constrain|>json",
        "<|channel|>commentary to=special_function",
    ],
)
def test_what_is_addressed_to_a_function_is_a_call(head: str) -> None:
    found = read(f'{head}<|message|>{{"arg1": 1}}')
    assert (found.text, found.reasoning, found.calls) == ("", "", ONE)
    behind = read(f'{THOUGHT}<|start|>assistant{head}<|message|>{{"arg1": 1}}<|call|>')
    assert (behind.text, behind.reasoning, behind.calls) == ("", "I'm\nthinking", ONE)


def test_calls_of_tools_that_nobody_offered_are_reasoning() -> None:
    text = "<|start|>assistant to=container.exec<|channel|>commentary<|message|>python3 -c 'x'"
    found = read(THOUGHT + text)
    assert (found.text, found.calls) == ("", [])
    assert found.reasoning == "I'm\nthinkingpython3 -c 'x'"


@pytest.mark.parametrize("text", ["Hello!", "a < b", "|"])
def test_text_without_any_head_is_the_answer(text: str) -> None:
    assert read(text).text == text


def test_a_call_that_is_no_json_is_text() -> None:
    assert read("<|channel|>commentary to=functions.python<|message|>print(1)").text == "print(1)"


def test_a_head_that_is_cut_off_shows_nothing() -> None:
    assert read("<|channel|>fin").text == ""
