from __future__ import annotations

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.json_list import APRIEL, FIREFUNCTION, GRANITE, NEMOTRON
from tests.unit.chat.tools.conftest import calls_of, read

LIST = '[{"name": "special_function", "arguments": {"arg1": 1}}, {"name": "empty_args", "arguments": {}}]'
BOTH = [("special_function", {"arg1": 1}), ("empty_args", {})]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (GRANITE, f"<|tool_call|>{LIST}"),
        (NEMOTRON, f"<TOOLCALL>{LIST}</TOOLCALL>\n"),
        (APRIEL, f"\n<tool_calls>{LIST}</tool_calls>"),
        (FIREFUNCTION, f" functools{LIST}"),
    ],
)
def test_a_list_behind_its_opening_is_calls(form: object, text: str) -> None:
    assert calls_of(form, text) == BOTH  # type: ignore[arg-type]


def test_granite_wraps_its_answer_once_it_has_reasoned() -> None:
    text = "<think>I'm\nthinking</think><response>Hello!</response>"
    found = read(GRANITE, text, thinking=THINK)
    assert (found.reasoning, found.text) == ("I'm\nthinking", "Hello!")
    plain = "An example: <response>Hello!</response>"
    assert read(GRANITE, plain, thinking=THINK).text == plain


@pytest.mark.parametrize(
    "form", [GRANITE, NEMOTRON, APRIEL, FIREFUNCTION], ids=lambda form: form.name
)
def test_what_is_written_into_prompts_can_be_read_again(form: object) -> None:
    text = form.write("get_time", '{"city": "Zürich"}')  # type: ignore[attr-defined]
    assert calls_of(form, text) == [("get_time", {"city": "Zürich"})]  # type: ignore[arg-type]


def test_a_list_that_breaks_off_keeps_its_first_calls() -> None:
    found = read(GRANITE, '<|tool_call|>[{"name": "empty_args"}, {"nam')
    assert (found.text, found.calls) == ('{"nam', [("empty_args", {})])
