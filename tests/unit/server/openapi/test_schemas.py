from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from llmd.server.openapi.schemas import Schemas

T = TypeVar("T")


class Item(msgspec.Struct):
    """A thing."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"size": 3}
    size: int
    """In metres."""
    kind: Literal["big", "small"] = "small"
    color: str | None = None
    weight: float | UnsetType = UNSET


class Box(Item):
    """A thing with things in it."""

    things: list[Item] = []
    by_name: dict[str, Item] = {}
    """Those that have one."""
    pair: tuple[int, Item] | None = None


class Envelope(msgspec.Struct, Generic[T]):
    data: T


class Empty(msgspec.Struct):
    pass


def test_structs_are_components_and_their_sentences_descriptions() -> None:
    schemas = Schemas([Box])
    box, item = schemas.components["Box"], schemas.components["Item"]
    assert schemas.of(Box) == {"$ref": "#/components/schemas/Box"}
    assert item["properties"]["size"] == {"type": "integer", "description": "In metres."}
    assert box["properties"]["size"]["description"] == "In metres."
    assert box["properties"]["by_name"]["description"] == "Those that have one."
    assert "description" not in item["properties"]["kind"]


def test_the_example_of_a_struct_is_not_that_of_its_children() -> None:
    schemas = Schemas([Box])
    assert schemas.components["Item"]["examples"] == [{"size": 3}]
    assert "examples" not in schemas.components["Box"]


def test_null_is_no_default_worth_telling() -> None:
    properties = Schemas([Item]).components["Item"]["properties"]
    assert "default" not in properties["color"]
    assert properties["kind"]["default"] == "small"


def test_what_is_required_comes_first() -> None:
    class Late(msgspec.Struct, kw_only=True):
        soft: int = 0
        hard: int

    assert list(Schemas([Late]).components["Late"]["properties"]) == ["hard", "soft"]


def test_choices_of_texts_are_texts() -> None:
    kind = Schemas([Item]).components["Item"]["properties"]["kind"]
    assert (kind["type"], kind["enum"]) == ("string", ["big", "small"])


def test_structs_of_one_name_are_told_apart_by_their_owners() -> None:
    first = msgspec.defstruct("Load", [("a", int)], module="llmd.server.dialects.native.schema")
    second = msgspec.defstruct("Load", [("a", int)], module="llmd.server.completions.problems")
    third = msgspec.defstruct("Load", [("a", int)], module="llmd.protocol.models")
    schemas = Schemas([list[first], second, third])  # type: ignore[valid-type]
    assert set(schemas.components) == {"NativeLoad", "CompletionsLoad", "ProtocolLoad"}
    assert schemas.of(list[first]) == {  # type: ignore[valid-type]
        "type": "array",
        "items": {"$ref": "#/components/schemas/NativeLoad"},
    }


def test_generic_structs_have_names_that_code_can_have() -> None:
    assert set(Schemas([Envelope[Envelope[Item]]]).components) == {
        "EnvelopeOfEnvelopeOfItem",
        "EnvelopeOfItem",
        "Item",
    }


def test_what_is_inlined_is_no_component() -> None:
    schemas = Schemas([Empty, Item])
    assert schemas.inline(Empty) == schemas.inline(Empty)
    assert set(schemas.components) == {"Item"}


def test_a_struct_without_source_has_a_schema_all_the_same() -> None:
    made = msgspec.defstruct("Made", [("size", int)], module="nowhere")
    assert Schemas([made]).components["Made"]["properties"] == {"size": {"type": "integer"}}


def test_a_union_is_any_of_its_types() -> None:
    schemas = Schemas([Item | Empty])
    names = [f"#/components/schemas/{name}" for name in ("Item", "Empty")]
    assert schemas.of(Item | Empty) == {"anyOf": [{"$ref": name} for name in names]}


def test_what_cannot_be_decoded_cannot_be_described() -> None:
    with pytest.raises(TypeError):
        Schemas([list[list[int] | list[str]]])
