from __future__ import annotations

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.minimax import M1, M2
from tests.unit.chat.tools.conftest import calls_of, read


def invoke(name: str, /, **values: str) -> str:
    inside = "".join(
        f'<parameter name="{key}">{value}</parameter>\n' for key, value in values.items()
    )
    return f'<invoke name="{name}">\n{inside}</invoke>\n'


def section(*calls: str) -> str:
    return "<minimax:tool_call>\n" + "".join(calls) + "</minimax:tool_call>"


def test_any_number_of_calls_stand_in_one_section() -> None:
    text = section(
        invoke("special_function", arg1="1"), invoke("python", code="a <b>\n"), invoke("empty_args")
    )
    assert calls_of(M2, text) == [
        ("special_function", {"arg1": 1}),
        ("python", {"code": "a <b>\n"}),
        ("empty_args", {}),
    ]


def test_reasoning_stands_before_calls() -> None:
    text = "Let's call a tool:\n</think>\n\n" + section(invoke("empty_args"))
    found = read(M2, text, thinking=THINK, opened="<think>\n")
    assert (found.text, found.reasoning, found.calls) == (
        "",
        "Let's call a tool:",
        [("empty_args", {})],
    )


@pytest.mark.parametrize("text", [section(), section('<invoke name="f">'), "<minimax:tool_call>hi"])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(M2, text).text == text


ONE = '{"name": "special_function", "arguments": {"arg1": 1}}'
OTHER = '{"name": "get_time", "arguments": {"city": "<Zürich>"}}'


def test_lines_of_json_are_calls() -> None:
    text = f"<tool_calls>\n{ONE}\n{OTHER}\n</tool_calls>"
    assert calls_of(M1, text) == [
        ("special_function", {"arg1": 1}),
        ("get_time", {"city": "<Zürich>"}),
    ]
    found = read(M1, f"Let me look.\n<tool_calls>{ONE}</tool_calls>\n")
    assert (found.text, found.calls) == ("Let me look.\n", [("special_function", {"arg1": 1})])


@pytest.mark.parametrize("text", ["<tool_calls>", "<tool_calls>\n</tool_calls>", "<tool_calls>[1]"])
def test_lines_without_calls_stay_text(text: str) -> None:
    assert read(M1, text).text == text


def test_a_line_that_breaks_off_keeps_those_before_it() -> None:
    found = read(M1, f'<tool_calls>\n{ONE}\n{{"nam')
    assert (found.text, found.calls) == ('{"nam', [("special_function", {"arg1": 1})])
