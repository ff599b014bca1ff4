from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import GEMMA
from llmd.chat.tools.gemma import FORMAT
from tests.unit.chat.tools.conftest import calls_of, read

CALL = '<|tool_call>call:get_time{city:<|"|>London<|"|>}<tool_call|>'


@pytest.mark.parametrize(
    ("inside", "name", "arguments"),
    [
        ('get_time{city:<|"|>San Francisco<|"|>}', "get_time", {"city": "San Francisco"}),
        ('get_time{city:<|"|>a "b" {c}\n<|"|>}', "get_time", {"city": 'a "b" {c}\n'}),
        ("empty_args{}", "empty_args", {}),
        ("special_function{arg1:42}", "special_function", {"arg1": 42}),
        ("special_function{arg1:-7}", "special_function", {"arg1": -7}),
        ("amount{orig:3.14}", "amount", {"orig": 3.14}),
        ("amount{orig:1.5e10}", "amount", {"orig": 1.5e10}),
        ("toggle{enabled:true}", "toggle", {"enabled": True}),
        ("toggle{enabled:false}", "toggle", {"enabled": False}),
        ("set_nullable{value:null}", "set_nullable", {"value": None}),
        (
            'todo_list{todos:[<|"|>buy milk<|"|>,<|"|>walk dog<|"|>]}',
            "todo_list",
            {"todos": ["buy milk", "walk dog"]},
        ),
        (
            'set_config{config:{theme:<|"|>dark<|"|>,count:3}}',
            "set_config",
            {"config": {"theme": "dark", "count": 3}},
        ),
        ("todo_list{todos:[]}", "todo_list", {"todos": []}),
        ("set_config{config:{}}", "set_config", {"config": {}}),
        (
            'set_config{config:{<|"|>a b<|"|>:[[1],{x:2}]}}',
            "set_config",
            {"config": {"a b": [[1], {"x": 2}]}},
        ),
        (
            'get_time{"city": "Paris", n: bare words}',
            "get_time",
            {"city": "Paris", "n": "bare words"},
        ),
    ],
)
def test_its_own_notation_becomes_json(inside: str, name: str, arguments: Any) -> None:
    assert calls_of(FORMAT, f"<|tool_call>call:{inside}<tool_call|>") == [(name, arguments)]


def test_several_calls_behind_text_and_reasoning() -> None:
    text = f"<|channel>thought\nI'm\nthinking<channel|>Hello!{CALL}{CALL}"
    found = read(FORMAT, text, thinking=GEMMA)
    assert (found.reasoning, found.text) == ("I'm\nthinking", "Hello!")
    assert found.calls == [("get_time", {"city": "London"})] * 2


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        "<|channel>thought<channel|>Hello!",
        "<|channel>thought\n<channel|>Hello!<channel|>",
        "<|channel>thought\n<channel|>Hello!<|channel>thought\n<channel|><channel|>",
        "<|channel><|channel>thought\n<channel|>Hello!",
    ],
)
def test_empty_reasoning_and_stray_marks_leave_no_trace(text: str) -> None:
    found = read(FORMAT, text, thinking=GEMMA)
    assert (found.text, found.reasoning) == ("Hello!", "")


def test_reasoning_that_is_not_kept_apart_keeps_its_marks() -> None:
    text = "<|channel>thought\nI'm\nthinking<channel|>Hello!"
    assert read(FORMAT, text, thinking=GEMMA, separate=False).text == text


@pytest.mark.parametrize(
    "text", ["<|tool_call>", "<|tool_call>call:", "<|tool_call>call:f", "<|tool_call>hi{}"]
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


def test_deep_nesting_breaks_the_call_off() -> None:
    deep = "<|tool_call>call:f{a:" + "[" * 500
    found = read(FORMAT, deep)
    assert found.calls[0][0] == "f"
    assert found.text + found.calls[0][1].removeprefix('{"a": ') == "[" * 500
