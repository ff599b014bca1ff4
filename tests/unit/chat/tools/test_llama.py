from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.tools.llama import FORMAT
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import calls_of, read

CALL = '{"name": "special_function", "parameters": {"arg1": 1}}'
ONE = [("special_function", {"arg1": 1})]


@pytest.mark.parametrize("text", [CALL, f"\n {CALL}\n", f"<|python_tag|>{CALL}", f"[{CALL}]"])
def test_a_call_is_the_whole_answer(text: str) -> None:
    assert calls_of(FORMAT, text) == ONE


@pytest.mark.parametrize("between", ["; ", "\n", ""])
def test_several_calls_follow_each_other(between: str) -> None:
    assert calls_of(FORMAT, f"{CALL}{between}{CALL}") == ONE * 2


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ('<|python_tag|>get_time.call(city="Paris")', "get_time", {"city": "Paris"}),
        ("<|python_tag|>print('格')\nx = 1", "python", {"code": "print('格')\nx = 1"}),
    ],
)
def test_behind_the_tag_there_may_be_python(text: str, name: str, arguments: Any) -> None:
    assert calls_of(FORMAT, text) == [(name, arguments)]


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        f"Look: {CALL}",
        '{"name": "nobody_offered_this", "parameters": {}}',
        '{"title": "some JSON"}',
        '{"name": "special_function"',
        "{",
    ],
)
def test_what_is_no_call_of_an_offered_tool_stays_text(text: str) -> None:
    found = read(FORMAT, text)
    assert (found.text, found.calls) == (text, [])


def test_a_program_needs_a_tool_that_runs_it() -> None:
    found = read(FORMAT, "<|python_tag|>print(1)", offer=Offer((Tool("f", {}),)))
    assert (found.text, found.calls) == ("<|python_tag|>print(1)", [])


def test_text_behind_a_call_is_shown() -> None:
    found = read(FORMAT, f"{CALL} So be it.")
    assert (found.text, found.calls) == (" So be it.", ONE)
