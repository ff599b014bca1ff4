from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import KIMI_K3
from llmd.chat.tools.kimi_k3 import FORMAT
from llmd.chat.tools.offer import Offer
from tests.unit.chat.tools.conftest import calls_of, read


def tag(name: str, inside: str, attributes: str = "") -> str:
    return f"<|open|>{name}{attributes}<|sep|>{inside}<|close|>{name}<|sep|>"


def argument(key: str, kind: str, value: str) -> str:
    return tag("argument", value, f' key="{key}" type="{kind}"')


def call(name: str, *arguments: str, number: int = 1) -> str:
    return tag("call", "".join(arguments), f' tool="{name}" index="{number}"')


def tools(*calls: str) -> str:
    return f"{tag('tools', ''.join(calls))}<|close|>message<|sep|>"


ONE = tools(call("special_function", argument("arg1", "number", "1")))
CALLED = [("special_function", {"arg1": 1})]


def test_sections_are_told_apart() -> None:
    text = f"I should<|close|>think<|sep|>{tag('response', 'On it.')}{ONE}"
    found = read(FORMAT, text, thinking=KIMI_K3, opened=KIMI_K3.opening)
    assert (found.reasoning, found.text, found.calls) == ("I should", "On it.", CALLED)


def test_the_prompt_may_have_opened_the_response() -> None:
    text = "Use the response tag.<|close|>response<|sep|>"
    assert read(FORMAT, f"{text}{ONE}", thinking=KIMI_K3).calls == CALLED
    ended = f"{text}<|close|>message<|sep|><|end_of_msg|>"
    assert read(FORMAT, ended, offer=Offer()).text == "Use the response tag."


@pytest.mark.parametrize(("behind", "said"), [(tag("response", "Hi"), "Hi"), (ONE, "")])
def test_other_sections_end_reasoning_that_was_not_closed(behind: str, said: str) -> None:
    found = read(FORMAT, f"hm{behind}", thinking=KIMI_K3, opened=KIMI_K3.opening)
    assert (found.reasoning, found.text) == ("hm", said)
    cut = read(FORMAT, "hm", thinking=KIMI_K3, opened=KIMI_K3.opening)
    assert (cut.reasoning, cut.text) == ("hm", "")


def test_reasoning_that_is_not_wanted_ends_where_the_response_begins() -> None:
    text = f"hm{tag('response', 'Hi')}"
    found = read(FORMAT, text, thinking=KIMI_K3, opened=KIMI_K3.opening, offer=Offer())
    assert (found.reasoning, found.text) == ("hm", "Hi")


def test_several_calls_stand_in_one_section() -> None:
    code = argument("code", "string", "print('hey')\n")
    text = tools(call("empty_args"), call("python", code, number=2))
    assert calls_of(FORMAT, text) == [("empty_args", {}), ("python", {"code": "print('hey')\n"})]


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("set_nullable_str", argument("name", "string", "null"), {"name": "null"}),
        ("set_nullable_str", argument("name", "null", "null"), {"name": None}),
        ("unknown", argument("a", "string", "1"), {"a": "1"}),
        ("unknown", argument("a", "object", '{"b": 1}'), {"a": {"b": 1}}),
        ("special_function", argument("arg1", "string", "1"), {"arg1": 1}),
        ("unknown", argument("&quot;&amp;quot;", "boolean", "true"), {'"&quot;': True}),
        ("unknown", tag("json", '{"a": [1]}', ' type="object"'), {"a": [1]}),
    ],
)
def test_types_are_the_schemas_or_what_the_call_says(name: str, value: str, arguments: Any) -> None:
    assert calls_of(FORMAT, tools(call(name, value))) == [(name, arguments)]


@pytest.mark.parametrize(
    "inside",
    [
        tag("call", "", ' index="1"'),
        tag("call", tag("json", "1", ' type="object"'), ' tool="f"'),
        tag("call", tag("argument", "1", ' type="number"'), ' tool="f"'),
        '<|open|>call tool="f"<|sep|>words',
    ],
)
def test_what_is_no_call_stays_text(inside: str) -> None:
    found = read(FORMAT, f"<|open|>tools<|sep|>{inside}")
    assert (found.text, found.calls) == (inside, [])
