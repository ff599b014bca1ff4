from __future__ import annotations

from typing import Any

import pytest

from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.schema import Place, blame, prepared
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Json
from tests.unit.engine.grammar.conftest import accepts


def without(keyword: str, value: object = None) -> Any:
    """A compiler that cannot do one keyword, wherever it stands."""

    def fails(schema: Any) -> str:
        def holds(part: Any) -> bool:
            if isinstance(part, dict):
                found = keyword in part and (value is None or part[keyword] == value)
                return found or any(
                    holds(child) for key, child in part.items() if key not in {"$defs", "const"}
                )
            return isinstance(part, list) and any(map(holds, part))

        return f"no {keyword}" if holds(schema) else ""

    return fails


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"bad": 1}, Place("$", "bad")),
        ({"properties": {"a": {"items": {"bad": 1}}}}, Place("$.properties.a.items", "bad")),
        ({"anyOf": [{}, {"bad": 1, "type": "array"}]}, Place("$.anyOf[1]", "bad")),
        ({"prefixItems": [{}, {}, {"not": {"bad": 1}}]}, Place("$.prefixItems[2].not", "bad")),
        ({"properties": {"a b": {"bad": 1}}}, Place("$.properties['a b']", "bad")),
        ({"properties": {"it's": {"bad": 1}}}, Place("$.properties['it\\'s']", "bad")),
        ({"properties": {"名": {"bad": 1}}}, Place("$.properties['名']", "bad")),
        ({"additionalProperties": {"bad": 1}}, Place("$.additionalProperties", "bad")),
        (True, Place("$", "")),
    ],
)
def test_the_smallest_place_with_the_fault_is_blamed(schema: Any, place: Place) -> None:
    assert blame(schema, without("bad")) == place


def test_references_are_followed_to_what_they_name(bytewise: Compiler) -> None:
    node = {"properties": {"next": {"$ref": "#/$defs/node~11"}, "x": {"not": {}}}}
    schema = {"$defs": {"node/1": node}, "properties": {"root": {"$ref": "#/$defs/node~11"}}}
    with pytest.raises(ConstraintRefused) as caught:
        bytewise.matcher(Json(schema))
    assert caught.value.details == {"path": "$.$defs['node/1'].properties.x", "keyword": "not"}


def test_a_fault_of_two_keywords_together_is_blamed_on_the_last(bytewise: Compiler) -> None:
    with pytest.raises(ConstraintRefused) as caught:
        bytewise.matcher(Json({"type": "integer", "minimum": 5, "maximum": 3}))
    assert caught.value.details == {"path": "$", "keyword": "maximum"}


def test_blaming_a_large_schema_ends_soon() -> None:
    asked = 0

    def fails(_: Any) -> str:
        nonlocal asked
        asked += 1
        return "always"

    wide: dict[str, Any] = {"x": 1}
    for _ in range(30):
        wide = {"properties": {"a": wide}}
    assert blame(wide, fails).path.count("properties") == 30
    assert asked < 200


def test_keywords_that_forbid_nothing_are_taken_out_wherever_they_stand() -> None:
    schema = {
        "x-guidance": {"lenient": True},
        "properties": {
            "a": {"uniqueItems": False, "items": {"propertyNames": {"type": "string"}}},
            "uniqueItems": {"type": "string"},
        },
        "enum": [{"uniqueItems": False}],
    }
    assert prepared(schema) == {
        "properties": {"a": {"items": {}}, "uniqueItems": {"type": "string"}},
        "enum": [{"uniqueItems": False}],
    }
    assert "x-guidance" in schema
    assert prepared({"uniqueItems": True}) == {"uniqueItems": True}


def test_nesting_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(ConstraintRefused, match="nested more than"):
        prepared(schema)


def test_too_many_properties_of_one_object_are_refused() -> None:
    schema = {"items": {"properties": {f"p{i}": {} for i in range(1001)}}}
    with pytest.raises(ConstraintRefused) as caught:
        prepared(schema)
    assert caught.value.details == {"path": "$.items", "keyword": "properties"}


def test_a_demand_for_several_unnamed_properties_is_refused() -> None:
    with pytest.raises(ConstraintRefused, match="required"):
        prepared({"minProperties": 2})
    named = {"minProperties": 2, "required": ["a", "b"], "additionalProperties": {}}
    assert prepared(named) == named
    assert prepared({"minProperties": 1}) == {"minProperties": 1}


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (
            "date",
            ["2024-02-29", "2000-02-29", "2023-02-28", "1999-12-31"],
            ["2023-02-29", "1900-02-29", "0000-01-01"],
        ),
        ("time", ["23:59:59Z", "08:30:06.28+08:00"], ["23:59:60Z", "24:00:00Z"]),
        ("date-time", ["2024-02-29T10:00:00Z"], ["2023-02-29T10:00:00Z", "2024-02-28T10:00:60Z"]),
        ("hostname", ["a.example"], ["a." * 130 + "b"]),
    ],
)
def test_formats_are_exact_where_the_library_is_lax(
    form: str, good: list[str], bad: list[str], bytewise: Compiler
) -> None:
    schema = Json({"type": "string", "format": form, "allOf": [{"minLength": 1}]})
    assert [t for t in good if not accepts(bytewise.matcher(schema), f'"{t}"')] == []
    assert [t for t in bad if accepts(bytewise.matcher(schema), f'"{t}"')] == []


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": []},
        {"properties": {"a": 1}},
        {"allOf": {}, "format": "date"},
        {"items": [1]},
        {"minProperties": "2"},
        {"type": ["string", 3]},
        {"$ref": 1},
        {"$ref": "#/$defs/a", "$defs": []},
        {"enum": {}},
    ],
    ids=str,
)
def test_schemas_that_are_none_are_refused_and_crash_nothing(
    schema: Any, bytewise: Compiler
) -> None:
    with pytest.raises(ConstraintRefused):
        bytewise.matcher(Json(schema))
