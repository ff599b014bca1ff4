from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.tools.offer import ANY_TYPE, Kind, Offer, Tool


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, Kind.TEXT),
        ({"type": "string", "description": "x", "default": "y"}, Kind.TEXT),
        ({"enum": ["a", "b"]}, Kind.TEXT),
        ({"const": "a"}, Kind.TEXT),
        ({"enum": ["a\nb"]}, Kind.STRING),
        ({"type": "string", "pattern": "^a"}, Kind.STRING),
        ({"type": "string", "maxLength": 3}, Kind.STRING),
        ({"type": "integer"}, Kind.JSON),
        ({"type": ["integer", "null"]}, Kind.JSON),
        ({"enum": [1, 2]}, Kind.JSON),
        ({"$ref": "#/$defs/number"}, Kind.JSON),
        ({"$ref": "#/$defs/word"}, Kind.TEXT),
        ({"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/word"}]}, Kind.EITHER),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, Kind.JSON),
        ({"type": ["string", "null"]}, Kind.EITHER),
        ({"enum": ["a", None]}, Kind.EITHER),
        ({"oneOf": [{"type": "integer"}, {}]}, Kind.EITHER),
        ({}, Kind.EITHER),
        (True, Kind.EITHER),
        ({"$ref": "#/$defs/nowhere"}, Kind.EITHER),
        ({"$ref": "https://example.org/schema"}, Kind.EITHER),
        ({"$ref": "#/$defs/circle"}, Kind.EITHER),
        ({"allOf": [{"type": "string"}, {"minLength": 2}]}, Kind.STRING),
        ({"enum": "a"}, Kind.JSON),
    ],
)
def test_a_schema_says_how_values_are_written(schema: Any, kind: Kind) -> None:
    definitions = {
        "number": {"type": "number"},
        "word": {"type": "string"},
        "circle": {"$ref": "#/$defs/circle"},
    }
    tool = Tool("f", {"properties": {"a": schema}, "$defs": definitions})
    assert tool.kind("a") is kind


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"string", "null"}),
        ({"type": ["number", "string"]}, {"number", "integer", "string"}),
        ({"enum": ["a", 1, None, True, 1.5]}, {"string", "integer", "null", "boolean", "number"}),
        ({"allOf": [{"type": ["string", "null"]}, {"minLength": 2}]}, {"string", "null"}),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, {"string"}),
        ({"oneOf": [{"type": "integer"}, {}]}, ANY_TYPE),
        ({"type": [{"type": "string"}]}, {"{'type': 'string'}"}),
        ({}, ANY_TYPE),
    ],
)
def test_a_schema_says_which_types_it_takes(schema: Any, types: set[str]) -> None:
    assert Tool("f", {"properties": {"a": schema}}).types("a") == types


def test_a_schema_that_turns_in_circles_says_nothing() -> None:
    circle: dict[str, Any] = {"anyOf": [{"$ref": "#/$defs/again"}]}
    tool = Tool("f", {"properties": {"a": circle}, "$defs": {"again": circle}})
    assert tool.kind("a") is Kind.EITHER


def test_tools_of_any_shape_are_read() -> None:
    offer = Offer.of(
        [
            {"type": "function", "function": {"name": "f", "parameters": {"a": 1}, "strict": True}},
            {"name": "g"},
            {"type": "function", "function": "h"},
            {"type": "function", "function": {"name": 3}},
            {"type": "function", "function": {"name": "i", "parameters": [1]}},
        ]
    )
    assert offer.tools == (Tool("f", {"a": 1}, strict=True), Tool("g", {}), Tool("i", {}))
    assert offer.has("g")
    assert not offer.has("h")
    assert offer.only("g").tools == (Tool("g", {}),)
    assert offer.tool("h") == Tool("h", {})


def test_properties_that_are_none_are_none() -> None:
    assert Tool("f", {"properties": [1]}).properties == {}
    assert Tool("f", {}).schema("a") == {}


@pytest.mark.parametrize(
    ("described", "takes"),
    [
        ({"type": ["string", "null"], "title": "a"}, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, True),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/n"}]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}]}, False),
        ({"anyOf": [{"type": "string"}, {}]}, False),
        ({"type": ["string", "null"], "pattern": "a"}, False),
        ({"type": ["integer", "null"]}, False),
        ({"enum": ["a", 1]}, False),
        ({}, False),
        (True, False),
    ],
)
def test_some_parameters_take_any_text_among_others(described: Any, takes: bool) -> None:
    parameters = {"properties": {"a": described}, "$defs": {"n": {"type": "number"}}}
    assert Tool("f", parameters).takes_any_text("a") is takes


def test_what_is_inside_of_parameters_is_described_too() -> None:
    inside = {"x": {"$ref": "#/$defs/n"}}
    parameters = {
        "properties": {
            "object": {"properties": inside, "required": ["x"]},
            "either": {"anyOf": [{"type": "null"}, {"type": "object", "properties": inside}]},
            "list": {"oneOf": [{"items": {"$ref": "#/$defs/n"}}, {"type": "null"}]},
            "any": True,
        },
        "$defs": {"n": {"type": "number"}},
    }
    tool = Tool("f", parameters)
    assert tool.members("object").types("x") == {"number", "integer"}
    assert tool.members("object").parameters["required"] == ["x"]
    assert tool.members("either").types("x") == {"number", "integer"}
    assert tool.items("list", "item").types("item") == {"number", "integer"}
    assert tool.items("object", "item").types("item") == ANY_TYPE
    assert tool.members("any").properties == {}
