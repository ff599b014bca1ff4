from __future__ import annotations

import pytest

from llmd.chat.tools.functionary import PARTS, TAGS
from tests.unit.chat.tools.conftest import calls_of, read

ONE = [("special_function", {"arg1": 1})]


def test_calls_between_tags() -> None:
    call = '<function=special_function>{"arg1": 1}</function>'
    assert calls_of(TAGS, call) == ONE
    assert read(TAGS, f"Hello! {call}{call}").calls == ONE * 2
    assert read(TAGS, f"Hello! {call}").text == "Hello! "
    assert calls_of(TAGS, "<|python_tag|>print(1)") == [("python", {"code": "print(1)"})]
    assert calls_of(TAGS, '<|python_tag|>get_time.call(city="x")') == [("get_time", {"city": "x"})]


@pytest.mark.parametrize("text", ["<function=", "<function=f>", "<function=f>x</function>", "a<b"])
def test_what_is_no_call_between_tags_stays_text(text: str) -> None:
    assert read(TAGS, text).text == text


def test_parts_go_to_everybody_or_to_a_tool() -> None:
    assert read(PARTS, "all\nHello, world!\nWhat's up?").text == "Hello, world!\nWhat's up?"
    assert calls_of(PARTS, 'special_function\n{"arg1": 1}') == ONE
    found = read(PARTS, 'all\nHi!>>>special_function\n{"arg1": 1}\n>>>get_time\n{"city": "x"}')
    assert found.text == "Hi!"
    assert found.calls == [*ONE, ("get_time", {"city": "x"})]


@pytest.mark.parametrize(
    "text", ["Hello", "nobody\nHello", "a >>> b", "python\nprint(1)", "", "a>>>nobody\n{}"]
)
def test_parts_without_a_known_recipient_stay_text(text: str) -> None:
    found = read(PARTS, text)
    assert found.calls == []
    assert found.text == text.removeprefix("python\n")
