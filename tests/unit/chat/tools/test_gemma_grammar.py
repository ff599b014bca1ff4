from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from llmd.chat.tools.gemma import FORMAT
from llmd.chat.tools.gemma_grammar import grammar
from llmd.chat.tools.offer import Offer, Tool
from llmd.errors import ConstraintRefused
from tests.unit.chat.tools.conftest import calls_of, spelling, written

TOKENS = ["<|tool_call>", "<tool_call|>", '<|"|>']


def with_value(schema: Any, **more: Any) -> Offer:
    parameters = {"type": "object", "properties": {"v": schema}, "required": ["v"], **more}
    return Offer((Tool("f", parameters),))


@pytest.mark.parametrize("markers", [TOKENS, []], ids=["tokens", "text"])
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "integer", "minimum": 3, "maximum": 5},
        {"type": ["boolean", "null"]},
        {"enum": ["a", 1, None, True]},
        {"const": "x y"},
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        {"type": "array", "maxItems": 0},
        {"type": "array"},
        {"anyOf": [{"type": "boolean"}, {"type": "string"}]},
        {"type": "object"},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "null"}, "b": {}}, "required": ["a"]},
        {"$ref": "#/$defs/n"},
        {"description": "anything"},
        True,
    ],
)
def test_values_of_every_kind_keep_to_their_schema(schema: Any, markers: list[str]) -> None:
    offer = with_value(schema, **{"$defs": {"n": {"type": "number"}}})
    made = grammar(offer, spelling(markers), parallel=False)
    complete = [text for seed in range(15) if (text := written(made, markers, seed))]
    # at random the five characters that end a text hardly ever come one after the other
    assert complete or not markers
    for text in complete:
        ((name, arguments),) = calls_of(FORMAT, text)
        assert name == "f"
        jsonschema.validate(arguments, offer.tools[0].parameters)


@pytest.mark.parametrize(
    ("schema", "path", "keyword"),
    [
        ({"type": "string", "pattern": "a"}, "$.properties.v", "pattern"),
        (
            {"type": "array", "items": {"type": "string", "minLength": 1}},
            "$.properties.v.items",
            "minLength",
        ),
        ({"type": "object", "minProperties": 1}, "$.properties.v", "minProperties"),
        (
            {"type": "object", "properties": {"a b": {}}},
            "$.properties.v.properties.a b",
            "properties",
        ),
    ],
)
def test_what_it_cannot_express_is_refused_by_name(schema: Any, path: str, keyword: str) -> None:
    with pytest.raises(ConstraintRefused) as caught:
        grammar(with_value(schema), spelling([]), parallel=True)
    assert caught.value.details == {"tool": "f", "path": path, "keyword": keyword}


def test_schemas_that_refer_to_themselves_are_refused() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    with pytest.raises(ConstraintRefused, match="ref"):
        grammar(
            with_value({"$ref": "#/$defs/node"}, **{"$defs": {"node": node}}),
            spelling([]),
            parallel=True,
        )
