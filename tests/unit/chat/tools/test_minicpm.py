from __future__ import annotations

import json
from typing import Any

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.minicpm import FORMAT
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import accepts, calls_of, read, schema, spelling


def call(name: str, /, **values: str) -> str:
    inside = "".join(f'<param name="{key}">{value}</param>' for key, value in values.items())
    return f'<function name="{name}">{inside}</function>'


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        (call("python", code="print('Hello')"), "python", {"code": "print('Hello')"}),
        (call("empty_args"), "empty_args", {}),
        (call("special_function", arg1="1"), "special_function", {"arg1": 1}),
        (call("toggle", enabled="True"), "toggle", {"enabled": True}),
        (call("set_config", config="{'a': [None]}"), "set_config", {"config": {"a": [None]}}),
        (
            call("html", markup='<![CDATA[<a href="/x">hi</a> </param>]]>'),
            "html",
            {"markup": '<a href="/x">hi</a> </param>'},
        ),
        (call("html", markup="\n<![CDATA[a]]>b]]>\n"), "html", {"markup": "a]]>b"}),
        (call("html", markup="\n a & b\n"), "html", {"markup": "\n a & b\n"}),
        (call("set_config", config="<![CDATA[{}]]>"), "set_config", {"config": {}}),
    ],
)
def test_values_become_what_the_schema_says(text: str, name: str, arguments: Any) -> None:
    assert calls_of(FORMAT, text) == [(name, arguments)]


def test_several_calls_stand_behind_reasoning() -> None:
    text = f"I'm thinking</think>{call('python', code='x')}\n{call('python', code='y')}"
    found = read(FORMAT, text, thinking=THINK, opened="<think>\n")
    assert (found.text, found.reasoning) == ("", "I'm thinking")
    assert found.calls == [("python", {"code": "x"}), ("python", {"code": "y"})]


@pytest.mark.parametrize(
    "text", ['<function name="', '<function name="f">', '<function name="f" x>', call("f") + "g"]
)
def test_what_is_no_call_stays_text(text: str) -> None:
    found = read(FORMAT, text)
    assert found.text == text or (found.text == "g" and found.calls)


@pytest.mark.parametrize("markers", [[], ["</param>", "<function"]], ids=["text", "tokens"])
def test_forced_texts_may_be_wrapped(markers: list[str]) -> None:
    offer = Offer((Tool("html", schema(["markup"], markup="string")),))
    grammar = FORMAT.grammar(offer, spelling(markers), parallel=False)
    for value in ("a < b", "", "\n", "<![CDATA[<a>]]>", "<![CDATA[\n]]>"):
        assert accepts(grammar, call("html", markup=value), markers)
    for value in ("<a>", "\n<![CDATA[a", "<![CDATA[a"):
        assert not accepts(grammar, call("html", markup=value), markers)


@pytest.mark.parametrize("value", ["Zürich", "a <b>\n", 1, None, {"a": [True]}])
def test_what_is_written_into_prompts_can_be_read_again(value: Any) -> None:
    text = FORMAT.write("other", json.dumps({"it": value}))
    assert calls_of(FORMAT, text) == [("other", {"it": value})]
    assert calls_of(FORMAT, FORMAT.write("other", "no json")) == [
        ("other", {"arguments": "no json"})
    ]
