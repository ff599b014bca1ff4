from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.lfm2 import FORMAT
from tests.unit.chat.tools.conftest import calls_of, read


def between(calls: str) -> str:
    return f"<|tool_call_start|>{calls}<|tool_call_end|>"


@pytest.mark.parametrize(
    ("calls", "name", "arguments"),
    [
        ("[special_function(arg1=1)]", "special_function", {"arg1": 1}),
        ('[get_time(city="XYZCITY")]', "get_time", {"city": "XYZCITY"}),
        ("[toggle(enabled=True)]", "toggle", {"enabled": True}),
        ("[set_nullable(value=None)]", "set_nullable", {"value": None}),
        (
            '[set_config(config={"enabled": True, "count": 3})]',
            "set_config",
            {"config": {"enabled": True, "count": 3}},
        ),
        (
            '[set_config(config={"enabled": true, "note": null})]',
            "set_config",
            {"config": {"enabled": True, "note": None}},
        ),
        (
            '[Calendar.create_event(title="demo", participants=["Alice", "Bob"], '
            'metadata={"priority": "high", "reminder": true})]',
            "Calendar.create_event",
            {
                "title": "demo",
                "participants": ["Alice", "Bob"],
                "metadata": {"priority": "high", "reminder": True},
            },
        ),
        (
            "[python(code=\"def hello():\\n    print('hey')\")]",
            "python",
            {"code": "def hello():\n    print('hey')"},
        ),
        ('[python(code="print(\\"hi\\")\\t")]', "python", {"code": 'print("hi")\t'}),
        ("[empty_args()]", "empty_args", {}),
        ('[{"name": "get_time", "arguments": {"city": "x"}}]', "get_time", {"city": "x"}),
        ("get_time(city='東京')", "get_time", {"city": "東京"}),
    ],
)
def test_python_becomes_json(calls: str, name: str, arguments: Any) -> None:
    assert calls_of(FORMAT, between(calls)) == [(name, arguments)]


def test_several_calls_behind_text() -> None:
    found = read(FORMAT, "Let me." + between("[special_function(arg1=1), get_time(city=')')]"))
    assert found.text == "Let me."
    assert found.calls == [("special_function", {"arg1": 1}), ("get_time", {"city": ")"})]


def test_markers_inside_reasoning_are_reasoning() -> None:
    one = between("[special_function(arg1=1)]")
    found = read(FORMAT, f"<think>about {one} hmm</think>{one}", thinking=THINK)
    assert found.reasoning == f"about {one} hmm"
    assert found.calls == [("special_function", {"arg1": 1})]


@pytest.mark.parametrize(
    "text",
    [
        "Use [link text](url). Example: [Wikipedia](https://www.wikipedia.org).",
        between("[link text](url)"),
        between("[f(1)]"),
        between(""),
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


def test_a_call_that_is_cut_off_keeps_what_came() -> None:
    text = "<|tool_call_start|>[special_function(arg1="
    assert read(FORMAT, text).calls == [("special_function", '{"arg1": ')]


def test_what_is_written_into_prompts_can_be_read_again() -> None:
    arguments = '{"title": "a\\"b", "participants": [1, null], "metadata": {"x": true}}'
    assert calls_of(FORMAT, FORMAT.write("f", arguments))[0][1] == {
        "title": 'a"b',
        "participants": [1, None],
        "metadata": {"x": True},
    }
    assert "<tool_call>" in FORMAT.write("f", "no JSON")
