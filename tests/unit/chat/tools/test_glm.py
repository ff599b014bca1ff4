from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.glm import FORMAT
from tests.unit.chat.tools.conftest import OFFER, accepts, calls_of, read, spelling


def call(name: str, line: str = "", /, **values: str) -> str:
    pairs = "".join(
        f"<arg_key>{key}</arg_key>{line}<arg_value>{value}</arg_value>{line}"
        for key, value in values.items()
    )
    return f"<tool_call>{name}{line}{pairs}</tool_call>"


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        (call("special_function", "\n", arg1="1"), "special_function", {"arg1": 1}),
        (call("special_function", arg1="1"), "special_function", {"arg1": 1}),
        (call("magic_int", ref="42", name="上海"), "magic_int", {"ref": 42, "name": "上海"}),
        (call("amount", orig="2.5"), "amount", {"orig": 2.5}),
        (call("toggle", enabled="true"), "toggle", {"enabled": True}),
        (
            call("set_config", config='{"source": "spark", "options": {"strict": true}}'),
            "set_config",
            {"config": {"source": "spark", "options": {"strict": True}}},
        ),
        (
            call("nested_args", tags='["alpha", "测试"]', entries='[{"id": 2, "label": "第二"}]'),
            "nested_args",
            {"tags": ["alpha", "测试"], "entries": [{"id": 2, "label": "第二"}]},
        ),
        (call("empty_args"), "empty_args", {}),
        (
            '<tool_call>{"name": "amount", "arguments": {"orig": 2}}</tool_call>',
            "amount",
            {"orig": 2},
        ),
    ],
)
def test_values_become_what_the_schema_says(text: str, name: str, arguments: Any) -> None:
    assert calls_of(FORMAT, text) == [(name, arguments)]


def test_several_calls_behind_reasoning_and_text() -> None:
    text = "I'm\nthinking</think>Preparing." + call("amount", orig="1") + call("empty_args")
    found = read(FORMAT, text, thinking=THINK, opened="<think>")
    assert (found.reasoning, found.text) == ("I'm\nthinking", "Preparing.")
    assert found.calls == [("amount", {"orig": 1}), ("empty_args", {})]


@pytest.mark.parametrize("text", ["<tool_call>", "<tool_call>some words", "<tool_call>f<b>"])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


@pytest.mark.parametrize("tokens", [FORMAT.markers, ()])
def test_forced_calls_have_tokens_where_the_vocabulary_has_them(tokens: tuple[str, ...]) -> None:
    text = call("special_function", "\n", arg1="1")
    grammar = FORMAT.grammar(OFFER, spelling(tokens), parallel=False)
    assert accepts(grammar, text, tokens)
    # the letters of a tag are no tag to a model that has a token for it
    assert accepts(grammar, text, FORMAT.markers) is bool(tokens)
