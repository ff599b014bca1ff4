from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.qwen_coder import QWEN_CODER, SEED
from tests.unit.chat.tools.conftest import Call, calls_of, read


def function(name: str, /, **values: str) -> str:
    parameters = "".join(
        f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items()
    )
    return f"<function={name}>\n{parameters}</function>\n</tool_call>"


def call(name: str, /, **values: str) -> str:
    return f"<tool_call>\n{function(name, **values)}"


CALL = call("special_function", arg1="1")
ONE: list[Call] = [("special_function", {"arg1": 1})]


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        (CALL, "special_function", {"arg1": 1}),
        (function("special_function", arg1="1"), "special_function", {"arg1": 1}),
        (
            call("python", code='def hello():\n    print("Hello, world!")\n\nhello()'),
            "python",
            {"code": 'def hello():\n    print("Hello, world!")\n\nhello()'},
        ),
        (call("python", code='    print("x")'), "python", {"code": '    print("x")'}),
        (call("python", code="格"), "python", {"code": "格"}),
        (
            call("html", markup="<p>a</parameter> b</parameter>c"),
            "html",
            {"markup": "<p>a</parameter> b</parameter>c"},
        ),
        (
            call("html", markup="<html>\n <head>\n  <title>Hello!</title>\n </head>\n</html>"),
            "html",
            {"markup": "<html>\n <head>\n  <title>Hello!</title>\n </head>\n</html>"},
        ),
        (
            call("todo_list", todos='[{"item": "Check", "selected": false}]'),
            "todo_list",
            {"todos": [{"item": "Check", "selected": False}]},
        ),
        (
            call("todo_list", todos="[{'item': 'Check', 'selected': False}]"),
            "todo_list",
            {"todos": [{"item": "Check", "selected": False}]},
        ),
        (
            call("edit", newString="#include\n", filename="foo.c", oldString="#iclunde"),
            "edit",
            {"newString": "#include\n", "filename": "foo.c", "oldString": "#iclunde"},
        ),
        (
            call("tool_2req_4opt", req2="42", req1="7", opt4="100"),
            "tool_2req_4opt",
            {"req2": 42, "req1": "7", "opt4": 100},
        ),
        (call("set_nullable_str", name="8005"), "set_nullable_str", {"name": "8005"}),
        (call("set_nullable_str", name="hello world"), "set_nullable_str", {"name": "hello world"}),
        (call("set_nullable_str", name="null"), "set_nullable_str", {"name": None}),
        (call("set_nullable_int", count="42"), "set_nullable_int", {"count": 42}),
        (
            call("set_union", value='{"a": 1}', amount="2 dollars"),
            "set_union",
            {"value": {"a": 1}, "amount": "2 dollars"},
        ),
        (
            call("set_union", value="{not valid json", amount="42"),
            "set_union",
            {"value": "{not valid json", "amount": 42},
        ),
        (call("set_unit", unit="celsius"), "set_unit", {"unit": "celsius"}),
        (call("toggle", enabled="True"), "toggle", {"enabled": True}),
        (call("empty_args"), "empty_args", {}),
        (call("empty_args_no_props"), "empty_args_no_props", {}),
    ],
)
def test_values_become_what_the_schema_says(text: str, name: str, arguments: Any) -> None:
    assert calls_of(QWEN_CODER, text) == [(name, arguments)]


@pytest.mark.parametrize("behind", ["\n</function>\n</tool_call>", "</function>", "</tool_call>"])
def test_a_value_may_end_within_its_line(behind: str) -> None:
    text = f"<tool_call>\n<function=python>\n<parameter=code>\n1</parameter>{behind}"
    assert calls_of(QWEN_CODER, text) == [("python", {"code": "1"})]
    two = "<function=magic_int>\n<parameter=ref>1</parameter><parameter=name>x</parameter>"
    assert calls_of(QWEN_CODER, two + behind) == [("magic_int", {"ref": 1, "name": "x"})]


def test_text_stands_before_calls_and_layout_between_them_is_dropped() -> None:
    found = read(QWEN_CODER, f"Let me call it.\n{function('special_function', arg1='1')}\n{CALL}")
    assert (found.text, found.calls) == ("Let me call it.\n", ONE * 2)


@pytest.mark.parametrize("before", ["", "Need to look.\n"])
def test_a_call_ends_reasoning_that_was_left_open(before: str) -> None:
    found = read(QWEN_CODER, before + CALL, thinking=THINK, opened="<think>\n")
    assert (found.text, found.reasoning, found.calls) == ("", before.strip(), ONE)


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>\n",
        "<function=",
        "<function=f>",
        "<tool_call>\n<function=f>\nhello",
        "<function=>x",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    found = read(QWEN_CODER, text)
    assert (found.text, found.calls) == (text, [])


def test_a_call_that_breaks_off_keeps_what_came() -> None:
    found = read(QWEN_CODER, CALL[: CALL.index("1\n</")] + "1")
    assert found.calls == [("special_function", '{"arg1": 1')]


def test_seed_writes_values_without_lines_of_their_own() -> None:
    values = {"filename": "foo.cpp", "oldString": 'def f(a = "14"):\n    pass\n', "newString": ""}
    inside = "".join(f"<parameter={key}>{value}</parameter>\n" for key, value in values.items())
    text = f"<seed:tool_call>\n<function=edit>\n{inside}</function>\n</seed:tool_call>"
    assert calls_of(SEED, text) == [("edit", values)]
    two = "<seed:tool_call>\n<function=special_function>\n<parameter=arg1>1</parameter>\n</function>\n</seed:tool_call>\n"
    assert calls_of(SEED, two * 2) == ONE * 2
