from __future__ import annotations

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.minimax import FORMAT
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
    assert calls_of(FORMAT, text) == [
        ("special_function", {"arg1": 1}),
        ("python", {"code": "a <b>\n"}),
        ("empty_args", {}),
    ]


def test_reasoning_stands_before_calls() -> None:
    text = "Let's call a tool:\n</think>\n\n" + section(invoke("empty_args"))
    found = read(FORMAT, text, thinking=THINK, opened="<think>\n")
    assert (found.text, found.reasoning, found.calls) == (
        "",
        "Let's call a tool:",
        [("empty_args", {})],
    )


@pytest.mark.parametrize("text", [section(), section('<invoke name="f">'), "<minimax:tool_call>hi"])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text
