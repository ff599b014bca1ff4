from __future__ import annotations

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.deepseek import BARE, FENCED
from tests.unit.chat.tools.conftest import calls_of, read

BEGIN, END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"


def bare(name: str, arguments: str) -> str:
    return f"<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>"


def fenced(name: str, arguments: str) -> str:
    return bare("function", f"{name}\n```json\n{arguments}\n```")


@pytest.mark.parametrize("form", [BARE, FENCED], ids=lambda form: form.name)
@pytest.mark.parametrize("one", [bare, fenced])
def test_both_generations_are_understood(form: object, one: object) -> None:
    text = BEGIN + one("get_time", '{"city": "Tokyo"}') + one("get_time", '{"city": "```"}') + END  # type: ignore[operator]
    assert calls_of(form, text) == [("get_time", {"city": "Tokyo"}), ("get_time", {"city": "```"})]  # type: ignore[arg-type]


def test_reasoning_and_text_stand_before_calls() -> None:
    call = bare("get_time", '{"city": "Paris"}')
    text = f"REASONING</think>CONTENT{BEGIN}{call}{END}"
    found = read(BARE, text, thinking=THINK, opened="<think>")
    assert (found.reasoning, found.text) == ("REASONING", "CONTENT")
    assert found.calls == [("get_time", {"city": "Paris"})]


def test_a_fence_may_end_on_the_line_of_the_arguments() -> None:
    text = BEGIN + bare("function", 'special_function\n```json\n{"arg1": 1}```') + END
    assert calls_of(FENCED, text) == [("special_function", {"arg1": 1})]


@pytest.mark.parametrize("text", [BEGIN, f"{BEGIN}<｜tool▁call▁begin｜>x", BEGIN + bare("f", "x")])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(BARE, text).text == text


@pytest.mark.parametrize("form", [BARE, FENCED], ids=lambda form: form.name)
def test_what_is_written_into_prompts_can_be_read_again(form: object) -> None:
    text = form.write("get_time", '{"city": "Paris"}')  # type: ignore[attr-defined]
    assert calls_of(form, text) == [("get_time", {"city": "Paris"})]  # type: ignore[arg-type]
