from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from llmd.engine.grammar.closing import survey
from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.schema import prepared
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Json
from tests.unit.engine.grammar.conftest import Write, accepts

INTEGER = {"type": "integer"}
Make = Callable[..., dict[str, Any]]


def thing(*names: str, **keywords: Any) -> dict[str, Any]:
    """An object that lists properties; the schema is one of its own each time."""
    return {"type": "object", "properties": {name: dict(INTEGER) for name in names}, **keywords}


def closed(schema: dict[str, Any]) -> list[str]:
    """Return the paths of objects that are closed though they do not say so."""
    found: list[str] = []

    def walk(before: Any, after: Any, path: str) -> None:
        if isinstance(before, dict):
            if "additionalProperties" in after and "additionalProperties" not in before:
                found.append(path)
            for key, value in before.items():
                walk(value, after[key], f"{path}/{key}")
        elif isinstance(before, list):
            for index, value in enumerate(before):
                walk(value, after[index], f"{path}/{index}")

    walk(schema, prepared(schema), "#")
    return found


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        (thing("a"), ["#"]),
        (thing(), ["#"]),
        ({"properties": {"a": thing("b")}}, ["#", "#/properties/a"]),
        ({"items": thing("a")}, ["#/items"]),
        ({"prefixItems": [thing("a")]}, ["#/prefixItems/0"]),
        ({"additionalProperties": thing("a")}, ["#/additionalProperties"]),
        ({"anyOf": [thing("a"), {"type": "null"}], "title": "T"}, ["#/anyOf/0"]),
        ({"allOf": [thing("a")], "description": "only one"}, ["#/allOf/0"]),
        (
            {"$defs": {"d": thing("a")}, "items": {"$ref": "#/$defs/d", "title": "T"}},
            ["#/$defs/d"],
        ),
        (thing("a", required=["a"], minProperties=1, maxProperties=3), ["#"]),
        (
            {"type": "object", "properties": {"self": {"$ref": "#"}}},
            ["#"],
        ),
    ],
    ids=str,
)
def test_objects_are_closed_where_nobody_else_has_a_say(
    schema: dict[str, Any], paths: list[str]
) -> None:
    assert closed(schema) == paths


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        thing("a", additionalProperties=True),
        thing("a", additionalProperties=INTEGER),
        thing("a", patternProperties={"^x": {}}),
        thing("a", unevaluatedProperties=True),
        thing("a", propertyNames={"maxLength": 3}),
        thing("a", required=["a", "b"]),
        thing("a", minProperties=2, required=["a", "b"]),
        thing("a", allOf=[{"required": ["b"]}]),
        thing("a", anyOf=[{"required": ["b"]}, {"required": ["c"]}]),
        thing("a", oneOf=[thing("b")]),
        thing("a", **{"if": thing("b"), "then": thing("c"), "else": thing("d")}),
        thing("a", dependentSchemas={"a": thing("b")}),
        thing("a", **{"$ref": "#/$defs/d", "$defs": {"d": thing("b")}}),
        thing("a", const={"a": 1, "b": 2}),
        {"allOf": [thing("a"), thing("b")]},
        {"allOf": [{"items": thing("a")}, {"items": thing("b")}]},
        {"not": thing("a")},
        {"contains": thing("a")},
        {"not": {"not": {"items": thing("a")}}},
        {"anyOf": [thing("a"), {"type": "null"}], "required": ["b"]},
        {"oneOf": [thing("a"), thing("b")]},
        {"properties": {"x": thing("a")}, "anyOf": [{"properties": {"x": thing("b")}}]},
        {
            "properties": {"x": thing("a")},
            "patternProperties": {"x": thing("b")},
            "additionalProperties": True,
        },
        {
            "$defs": {"d": thing("a")},
            "prefixItems": [
                {"$ref": "#/$defs/d"},
                {"allOf": [{"$ref": "#/$defs/d"}, {"required": ["b"]}]},
            ],
        },
        {"$defs": {"unused": thing("a")}},
        {"items": [thing("a"), {"$ref": "other.json"}]},
        {"items": [thing("a"), {"$ref": "#name"}]},
        {"items": [thing("a"), {"$ref": "#/nowhere"}]},
        {"items": [thing("a"), {"$ref": 1}]},
        {"items": [thing("a"), {"$id": "urn:x", "type": "object"}]},
        {"items": [thing("a"), {"$dynamicRef": "#x"}]},
    ],
    ids=str,
)
def test_objects_stay_open_where_something_else_may_speak_of_them(schema: dict[str, Any]) -> None:
    assert closed(schema) == []


def test_an_answer_has_no_properties_that_its_schema_does_not_list(bytewise: Compiler) -> None:
    schema = {"type": "object", "properties": {"a": INTEGER}, "required": ["a"]}
    matcher = bytewise.matcher(Json(schema))
    assert not accepts(matcher, '{"a":1,"b":2}')
    assert accepts(bytewise.matcher(Json(schema)), '{"a":1}')
    for stays in (True, INTEGER):
        free = bytewise.matcher(Json({**schema, "additionalProperties": stays}))
        assert accepts(free, '{"a":1,"b":2}')
    assert "additionalProperties" in bytewise.parameters(schema, "tool")


def kind(name: str, *others: str, required: tuple[str, ...] = ("kind",)) -> dict[str, Any]:
    made = thing(*others, required=list(required))
    made["properties"]["kind"] = {"const": name}
    return made


@pytest.mark.parametrize(
    ("one", "other", "exclusive"),
    [
        (kind("cat"), kind("dog"), True),
        (kind("cat"), kind("dog", required=()), True),
        (kind("cat", required=()), kind("dog", required=()), False),
        (kind("cat"), kind("cat", "age"), False),
        (kind("cat"), thing("age"), False),
        (kind("cat"), {**kind("dog"), "type": ["object", "null"]}, True),
        ({**kind("cat"), "type": None}, {**kind("dog"), "type": None}, False),
        (kind("cat"), {"$ref": "#/oneOf/0"}, False),
        (kind("cat"), True, False),
        (kind("cat"), {**kind("dog"), "properties": {"kind": {"enum": ["dog", "cat"]}}}, False),
        (kind("cat"), {**kind("dog"), "properties": {"kind": {"enum": ["dog", 1]}}}, False),
    ],
)
def test_options_exclude_each_other_by_a_constant_that_must_be_there(
    one: Any, other: Any, exclusive: bool
) -> None:
    root = {"oneOf": [one, other]}
    assert bool(survey(root).exclusive) is exclusive


def union(**definitions: dict[str, Any]) -> dict[str, Any]:
    options = [{"$ref": f"#/$defs/{name}"} for name in definitions]
    return {"$defs": definitions, "oneOf": options}


def test_one_of_references_to_objects_that_exclude_each_other_can_be_enforced(
    bytewise: Compiler, write: Write
) -> None:
    schema = union(cat=kind("cat", "lives"), dog=kind("dog", "age"))
    matcher = bytewise.matcher(Json(schema))
    assert accepts(matcher, '{"lives":9,"kind":"cat"}')
    assert closed(schema) == ["#/$defs/cat", "#/$defs/dog"]
    for seed in range(5):
        if text := write(Json(schema), seed=seed):
            jsonschema.validate(json.loads(text), schema)
    with pytest.raises(ConstraintRefused, match="oneOf"):
        bytewise.matcher(Json(union(one=thing("a"), other=thing("b"))))


def test_a_schema_that_refers_to_itself_is_surveyed_once() -> None:
    node = thing("a")
    node["properties"]["next"] = {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    root = {"$defs": {"node": node, "loop": {"$ref": "#/$defs/loop"}}, "$ref": "#/$defs/node"}
    assert survey(root).closed == {id(node)}
    assert survey({"$defs": root["$defs"], "oneOf": [{"$ref": "#/$defs/loop"}]}).exclusive == set()
