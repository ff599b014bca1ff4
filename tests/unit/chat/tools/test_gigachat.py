from __future__ import annotations

from llmd.chat.tools.gigachat import FORMAT
from tests.unit.chat.tools.conftest import calls_of, read

CALL = '<|function_call|>{"name": "special_function", "arguments": {"arg1": 1}}'
ONE = [("special_function", {"arg1": 1})]


def test_an_object_behind_its_mark_is_a_call() -> None:
    assert calls_of(FORMAT, CALL) == ONE


def test_text_may_stand_before_a_call() -> None:
    found = read(FORMAT, f"Hello, world!{CALL}")
    assert (found.text, found.calls) == ("Hello, world!", ONE)


def test_what_is_no_call_is_text() -> None:
    assert read(FORMAT, "<|function_call|>none").text == "<|function_call|>none"
