from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import MINIMAX
from llmd.chat.tools.minimax_m3 import FORMAT
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import accepts, calls_of, read, schema, spelling

NS = "]<]minimax[>["
TOKENS = (NS, "<tool_call>", "</tool_call>")
NUMBER = schema(["real", "imaginary"], real="number", imaginary="number")
ENTRY = schema(["id", "label"], id="integer", label="string")
OFFER = Offer(
    (
        Tool("get_time", schema(["city"], city="string")),
        Tool("magic_int", schema(["ref"], ref="integer", name="string")),
        Tool("imaginary_number", schema(["number"], number=NUMBER)),
        Tool(
            "nested_args",
            schema(
                ["tags", "entries"],
                tags={"type": "array", "items": {"type": "string"}},
                entries={"type": "array", "items": ENTRY},
            ),
        ),
        Tool(
            "union_args",
            schema(
                filter={"anyOf": [{"type": "array", "items": {"type": "string"}}, ENTRY]},
                label={"oneOf": [{"type": "string"}, schema(text="string")]},
                limit={"oneOf": [{"type": "integer"}, schema(["max"], max="integer")]},
            ),
        ),
        Tool("free", {}),
        Tool("empty_args", schema()),
    )
)


def tag(name: str, inside: str) -> str:
    return f"{NS}<{name}>{inside}{NS}</{name}>"


def invoke(name: str, /, *arguments: str) -> str:
    return f'{NS}<invoke name="{name}">{"".join(arguments)}{NS}</invoke>\n'


def section(*calls: str) -> str:
    return f"{NS}<tool_call>\n{''.join(calls)}{NS}</tool_call>"


TAGS = tag("tags", tag("item", "alpha") + tag("item", " beta "))
ENTRIES = tag("entries", tag("item", tag("id", "1") + "\n" + tag("label", "one")))


@pytest.mark.parametrize(
    ("name", "inside", "arguments"),
    [
        ("get_time", tag("city", "a <b>\n]<]"), {"city": "a <b>\n]<]"}),
        ("magic_int", tag("ref", "-14") + tag("name", "1"), {"ref": -14, "name": "1"}),
        ("empty_args", "", {}),
        (
            "imaginary_number",
            tag("number", tag("real", "1.5") + tag("imaginary", "-2.5")),
            {"number": {"real": 1.5, "imaginary": -2.5}},
        ),
        ("imaginary_number", tag("number", '{"real": 1}'), {"number": {"real": 1}}),
        (
            "nested_args",
            TAGS + ENTRIES,
            {"tags": ["alpha", " beta "], "entries": [{"id": 1, "label": "one"}]},
        ),
        ("nested_args", tag("tags", "") + tag("entries", "\n"), {"tags": [], "entries": []}),
        ("union_args", tag("filter", tag("item", "1")), {"filter": ["1"]}),
        ("union_args", tag("filter", tag("id", "1")), {"filter": {"id": 1}}),
        ("union_args", tag("limit", "5"), {"limit": 5}),
        ("union_args", tag("limit", tag("max", "10")), {"limit": {"max": 10}}),
        ("union_args", tag("label", "hi"), {"label": "hi"}),
        ("union_args", tag("label", tag("text", "hi")), {"label": tag("text", "hi")}),
        (
            "free",
            tag("a", tag("item", "1") + tag("item", tag("b", "x"))) + tag("c", ""),
            {"a": [1, {"b": "x"}], "c": ""},
        ),
    ],
)
def test_tags_in_tags_are_objects_and_lists(name: str, inside: str, arguments: Any) -> None:
    assert calls_of(FORMAT, section(invoke(name, inside)), offer=OFFER) == [(name, arguments)]


def test_any_number_of_calls_stand_in_one_section() -> None:
    calls = [invoke("get_time", tag("city", "Paris")), invoke("empty_args")]
    assert calls_of(FORMAT, section(*calls)) == [
        ("get_time", {"city": "Paris"}),
        ("empty_args", {}),
    ]


@pytest.mark.parametrize(
    ("before", "reasoning", "answer"),
    [
        ("<mm:think>Let me check</mm:think>", "Let me check", ""),
        ("<mm:think></mm:think>", "", ""),
        ("</mm:think>", "", ""),
        ("</mm:think>Let me call it.", "", "Let me call it."),
        ("", "", ""),
    ],
)
def test_answers_begin_with_reasoning_or_with_its_end(
    before: str, reasoning: str, answer: str
) -> None:
    text = before + section(invoke("empty_args"))
    found = read(FORMAT, text, thinking=MINIMAX)
    assert (found.reasoning, found.text) == (reasoning, answer)
    assert found.calls == [("empty_args", {})]


@pytest.mark.parametrize(
    "text", [section(), section(f'{NS}<invoke name="f">x'), f"{NS}<tool_call>hi"]
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


@pytest.mark.parametrize(
    "inside",
    [
        tag("a", tag("item", "1") + tag("b", "2")),
        tag("a", tag("b", "1") + "x"),
        f"{NS}<a>{NS}<b>1{NS}</b>{NS}</c>",
        f"{NS}<b>" * 100,
    ],
    ids=["no item", "text between", "another end", "too deep"],
)
def test_garbled_tags_end_a_call_that_has_begun(inside: str) -> None:
    found = read(FORMAT, section(invoke("free", inside)), offer=OFFER)
    assert [name for name, _ in found.calls] == ["free"]
    assert isinstance(found.calls[0][1], str)
    assert found.text


@pytest.mark.parametrize("tokens", [(), TOKENS], ids=["text", "tokens"])
def test_nested_values_are_forced_as_tags(tokens: tuple[str, ...]) -> None:
    grammar = FORMAT.grammar(OFFER.only("nested_args"), spelling(tokens), parallel=False)
    entries = tag("entries", tag("item", tag("id", "1") + tag("label", "a </label>")))
    assert accepts(grammar, section(invoke("nested_args", TAGS, entries)), tokens)
    assert accepts(grammar, section(invoke("nested_args", tag("tags", ""), entries)), tokens)
    assert not accepts(grammar, section(invoke("nested_args", TAGS)), tokens)
    assert not accepts(grammar, section(invoke("nested_args", tag("tags", "[]"), entries)), tokens)


@pytest.mark.parametrize(
    ("described", "inside", "taken"),
    [
        ({**schema(["x"], x="integer"), "type": ["object", "null"]}, tag("x", "1"), True),
        ({"anyOf": [schema(["x"], x="integer"), {"type": "null"}]}, tag("x", "1"), True),
        ({"anyOf": [schema(["x"], x="integer"), {"type": "null"}]}, "null", True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "any text", True),
        ({"type": "object"}, '{"x": 1}', True),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, "", False),
        ({"type": "array", "items": {"type": "integer"}, "prefixItems": [{}]}, "[1]", True),
        (schema(["x<"], **{"x<": "integer"}), '{"x<": 1}', True),
    ],
)
def test_json_is_forced_where_tags_say_too_little(described: Any, inside: str, taken: bool) -> None:
    tool = Tool("f", schema(["a"], a=described))
    grammar = FORMAT.grammar(Offer((tool,)), spelling([]), parallel=False)
    assert accepts(grammar, section(invoke("f", tag("a", inside)))) is taken
