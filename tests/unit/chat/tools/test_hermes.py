from __future__ import annotations

import pytest

from llmd.chat.tools.hermes import FORMAT
from tests.unit.chat.tools.conftest import calls_of, read

CALL = '<tool_call>\n{"name": "special_function", "arguments": {"arg1": 1}}\n</tool_call>'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        '<tool_call>\n{"name": "special_function", "arguments": {"arg1": 1}}</tool_call>',
        '<tool_call>{"arguments": {"arg1": 1}, "name": "special_function"}</tool_call>\n\n',
        '<tool_call>[{"name": "special_function", "parameters": {"arg1": 1}}]</tool_call>',
        '<tool_call>{"name": "special_function", "arguments": "{\\"arg1\\": 1}"}</tool_call>',
        '<tool_call>{"type": "function", "function": {"name": "special_function", "arguments":'
        ' {"arg1": 1}}}</tool_call>',
        '<tool_call>{"name": "special_function", "arguments": {"arg1": 1}</tool_call>',
        '\n<tool_call>{"name": "special_function", "arguments": {"arg1": 1}}',
    ],
)
def test_a_call_is_read_however_it_is_spelt(text: str) -> None:
    assert calls_of(FORMAT, text) == [("special_function", {"arg1": 1})]


def test_text_stands_before_between_and_after_calls() -> None:
    found = read(FORMAT, f"Hello, world!\nWhat's up?{CALL}\n{CALL}\nDone.")
    assert found.text == "Hello, world!\nWhat's up?\nDone."
    assert found.calls == [("special_function", {"arg1": 1})] * 2
    assert found.ids == ["call_1", "call_2"]


def test_markers_inside_strings_are_part_of_the_arguments() -> None:
    code = "print('</tool_call><tool_call>{\\\"')"
    text = f'<tool_call>{{"name": "python", "arguments": {{"code": "{code}"}}}}</tool_call>'
    assert calls_of(FORMAT, text) == [("python", {"code": "print('</tool_call><tool_call>{\"')"})]


def test_chinese_and_raw_line_breaks_in_arguments_become_json() -> None:
    text = '<tool_call>{"name": "python", "arguments": {"code": "打印\n\t你好"}}</tool_call>'
    assert calls_of(FORMAT, text) == [("python", {"code": "打印\n\t你好"})]


@pytest.mark.parametrize("arguments", ["{}", "null", '""'])
def test_a_call_may_have_no_arguments(arguments: str) -> None:
    text = f'<tool_call>{{"name": "empty_args", "arguments": {arguments}}}</tool_call>'
    assert calls_of(FORMAT, text) == [("empty_args", {})]
    assert calls_of(FORMAT, '<tool_call>{"name": "empty_args"}</tool_call>') == [("empty_args", {})]


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>",
        "<tool_call>hello</tool_call>",
        '<tool_call>{"name": 3, "arguments": {}}</tool_call>',
        '<tool_call>{"arguments": {"a": 1}}</tool_call>',
        '<tool_call>{"arguments": {"a": 1}, "name": "',
        '<tool_call>{"name": "f" "arguments"}</tool_call>',
        "<tool_call>{}</tool_call>",
        '<tool_call>{"name": "' + "f" * 300 + '"}</tool_call>',
        "a < b <tool",
        "  \n ",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    found = read(FORMAT, text)
    assert (found.text, found.calls) == (text, [])


def test_a_broken_call_does_not_hide_the_next() -> None:
    found = read(FORMAT, f"<tool_call>oops {CALL}")
    assert (found.text, found.calls) == ("<tool_call>oops ", [("special_function", {"arg1": 1})])


def test_a_call_that_is_cut_off_keeps_what_came() -> None:
    found = read(FORMAT, '<tool_call>{"name": "python", "arguments": {"code": "pri')
    assert (found.text, found.calls) == ("", [("python", '{"code": "pri')])


def test_a_second_call_does_not_count_when_one_is_all_there_may_be() -> None:
    found = read(FORMAT, CALL + CALL, parallel=False)
    assert found.calls == [("special_function", {"arg1": 1})]
    assert found.ended
    assert not read(FORMAT, CALL).ended


def test_arguments_stream_as_they_come() -> None:
    start = '<tool_call>{"name": "python", "arguments": {"code": "abc'
    assert read(FORMAT, start, cuts=[len(start)]).calls == [("python", '{"code": "abc')]


def test_without_tools_nothing_is_a_call() -> None:
    from llmd.chat.tools.offer import Offer

    assert read(FORMAT, CALL, offer=Offer()).text == CALL
