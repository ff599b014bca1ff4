from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.tools.lark import Rules
from llmd.chat.tools.offer import Tool
from llmd.chat.tools.tagged_grammar import TagStyle, tagged_arguments, with_definitions
from llmd.errors import ConstraintRefused
from tests.unit.chat.tools.conftest import accepts, schema, spelling, written

STYLE = TagStyle("<{name}>", "</>", ";")


def texts(parameters: dict[str, Any], style: TagStyle = STYLE) -> set[str]:
    rules = Rules(lambda _: None)
    grammar = rules.grammar(f'"(" {tagged_arguments(rules, Tool("f", parameters), style)} ")"')
    return {text for seed in range(30) if (text := written(grammar, [], seed)) is not None}


def test_required_arguments_always_come_and_others_may() -> None:
    properties = {"a": {"const": "x"}, "b": {"enum": [1]}}
    found = texts({"properties": properties, "required": ["b"]})
    assert found == {"(<b>1</>;)", "(<a>x</>;<b>1</>;)"}


def test_texts_hold_no_closing_tag_and_listed_ones_are_written_as_they_are() -> None:
    for text in texts({"properties": {"a": {"type": "string"}}, "required": ["a"]}):
        assert text.startswith("(<a>")
        assert text.index("</>") == len(text) - len("</>;)")
    lines = TagStyle("<{name}>\n", "</>", "", "\n")
    assert texts({"properties": {"a": {"enum": ["x y"]}}, "required": ["a"]}, lines) == {
        "(<a>\nx y\n</>)"
    }


def test_strings_of_a_certain_form_are_json() -> None:
    parameters = {"properties": {"a": {"type": "string", "pattern": "^[xy]$"}}, "required": ["a"]}
    assert texts(parameters) <= {'(<a>"x"</>;)', '(<a>"y"</>;)'}


def test_references_keep_their_definitions() -> None:
    tool = Tool("f", {"properties": {}, "$defs": {"n": {"type": "integer"}}})
    assert with_definitions(tool, {"$ref": "#/$defs/n"})["$defs"] == {"n": {"type": "integer"}}
    assert with_definitions(tool, True) == {}


def test_names_that_would_break_a_tag_are_refused() -> None:
    with pytest.raises(ConstraintRefused) as caught:
        texts({"properties": {"a>b": {}}})
    assert caught.value.details["path"] == "$.properties.a>b"


def test_tags_may_be_control_tokens() -> None:
    markers = ["<a|", "|>"]
    rules = Rules(spelling(markers))
    style = TagStyle("<a|{name}|>", "</|>", tokens=("<a|", "|>"))
    arguments = tagged_arguments(rules, Tool("f", schema(["x"], x="string")), style)
    grammar = rules.grammar(arguments)
    assert accepts(grammar, "<a|x|>any\ntext</|>", markers)
    assert not accepts(grammar, "", markers, letters="<a|x|>any\ntext</|>")


def test_a_text_may_stand_between_marks_unless_it_is_another_tag() -> None:
    style = TagStyle("<{name}>", "</>", around=("<(", ")"))
    rules = Rules(spelling([]))
    grammar = rules.grammar(tagged_arguments(rules, Tool("f", schema(["x"], x="string")), style))
    assert all(accepts(grammar, f"<x>{text}</>") for text in ("", " a<", "<(</)"))
    assert not any(accepts(grammar, f"<x>{text}</>") for text in ("<", "<(", " <b"))


def test_a_style_may_say_what_is_text() -> None:
    style = TagStyle("<{name} {string}>", "</{name}>")
    described = {"a": {"enum": ["x"]}, "b": {"type": "null"}, "c": {"enum": [1]}}
    assert texts({"properties": described, "required": [*described]}, style) == {
        "(<a true>x</a><b false>null</b><c false>1</c>)"
    }


def test_a_style_may_have_tags_in_tags() -> None:
    style = TagStyle("<{name}>", "</{name}>", item="i")
    inner = {"type": "object", "properties": {"b": {"const": 1}}, "required": ["b"]}
    several = {"type": "array", "items": inner, "minItems": 2, "maxItems": 2}
    found = texts({"properties": {"a": several}, "required": ["a"]}, style)
    assert found == {"(<a><i><b>1</b></i><i><b>1</b></i></a>)"}


def test_schemas_that_turn_in_circles_end_in_json() -> None:
    style = TagStyle("<{name}>", "</{name}>", item="i")
    node = {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"]}
    rules = Rules(lambda _: None)
    tool = Tool("f", {"properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": node}})
    assert rules.grammar(tagged_arguments(rules, tool, style)).count('"<n>"') == 6
