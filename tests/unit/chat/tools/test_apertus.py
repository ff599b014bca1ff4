from __future__ import annotations

import pytest

from llmd.chat.reasoning import APERTUS
from llmd.chat.tools.apertus import FORMAT
from tests.unit.chat.tools.conftest import OFFER, accepts, calls_of, read, spelling

ONE = '{"special_function": {"arg1": 1}}'
CALLED = ("special_function", {"arg1": 1})


def section(*calls: str) -> str:
    return f"<|tools_prefix|>[{', '.join(calls)}]<|tools_suffix|>"


def test_the_name_of_a_tool_is_the_key_of_its_arguments() -> None:
    text = section(ONE, '{"empty_args": {}}')
    assert calls_of(FORMAT, text) == [CALLED, ("empty_args", {})]
    found = read(FORMAT, f"Hello!{text}")
    assert (found.text, found.calls[0]) == ("Hello!", CALLED)


@pytest.mark.parametrize(
    "call",
    [
        '{"name": "special_function", "arguments": {"arg1": 1}}',
        '{"arguments": {"arg1": 1}, "name": "special_function"}',
        '{"function": {"name": "special_function", "arguments": {"arg1": 1}}}',
    ],
)
def test_the_usual_fields_are_understood_too(call: str) -> None:
    assert calls_of(FORMAT, section(call)) == [CALLED]


def test_calls_end_reasoning_that_was_not_closed() -> None:
    text = f"<|inner_prefix|>I need to call{section(ONE)}"
    found = read(FORMAT, text, thinking=APERTUS)
    assert (found.text, found.reasoning, found.calls) == ("", "I need to call", [CALLED])
    closed = read(FORMAT, "<|inner_prefix|>hm<|inner_suffix|>Hello!", thinking=APERTUS)
    assert (closed.text, closed.reasoning) == ("Hello!", "hm")


def test_a_call_without_brackets_is_read() -> None:
    assert calls_of(FORMAT, f"<|tools_prefix|>{ONE}<|tools_suffix|>") == [CALLED]


@pytest.mark.parametrize("text", [section(), section("1"), section('{"f": 1}'), "<|tools_prefix|>"])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


def test_what_is_written_into_prompts_can_be_read_again() -> None:
    text = FORMAT.write("get_time", '{"city": "Zürich"}')
    assert calls_of(FORMAT, text) == [("get_time", {"city": "Zürich"})]


def test_forced_calls_are_written_as_the_template_prints_them() -> None:
    for parallel in (True, False):
        grammar = FORMAT.grammar(OFFER, spelling(FORMAT.markers), parallel=parallel)
        assert accepts(grammar, section(ONE), FORMAT.markers)
        assert accepts(grammar, section(ONE, ONE), FORMAT.markers) is parallel
