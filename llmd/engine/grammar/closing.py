"""What of a JSON Schema may be said more strictly before it is compiled, so that every answer still
validates against the schema as it stood.

An object that lists its properties and says nothing of others takes any others too; models then
invent keys until their tokens run out. Such objects are closed where nobody else has a say in what
they hold: closing one of several schemas of an object would forbid the properties of the others,
and closing what stands below `not`, or in a `oneOf` whose options overlap, would allow more.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from llmd.engine.grammar.subschemas import DEFINITIONS, children

_INSIDE = frozenset(
    "properties patternProperties additionalProperties items additionalItems prefixItems".split()
)
"""Keywords whose schemas are for parts of a value."""
_COMBINING = frozenset(
    "allOf anyOf oneOf not if then else $ref dependentSchemas dependencies".split()
)
"""Keywords whose schemas are for the same value as the schema that they stand in."""
_LIMITING = frozenset(
    "additionalProperties patternProperties unevaluatedProperties propertyNames"
    " dependentRequired enum const".split()
)
_SAYING = _COMBINING | _INSIDE | _LIMITING | {"required", "minProperties"}
_ELSEWHERE = frozenset(
    "$id id $anchor $dynamicAnchor $recursiveAnchor $dynamicRef $recursiveRef".split()
)
_OWN = frozenset({"$id", "id"})
_MOST_OPTIONS = 100
_LONGEST_CHAIN = 16


class Findings(NamedTuple):
    """What was found: schemas by their `id`, which is theirs as long as the root lives."""

    closed: frozenset[int] = frozenset()
    """Objects that need not take other properties than those they list."""
    exclusive: frozenset[int] = frozenset()
    """Those whose options in `oneOf` exclude each other by a constant."""


def survey(root: dict[str, Any]) -> Findings:
    """Return what may be said more strictly; nothing where references are not plain paths."""
    found = _Survey(root)
    return Findings() if found.lost else Findings(found.closed(), frozenset(found.exclusive))


class _Survey:
    """Walks through every use of every schema, references followed."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.lost = False
        """Whether something refers to what cannot be found."""
        self.exclusive: set[int] = set()
        self._root = root
        self._alone: dict[int, dict[str, Any]] = {}
        """Schemas that somewhere are all that is said of a value."""
        self._shared: set[int] = set()
        """Schemas that somewhere are not, or whose refusal counts."""
        waiting: list[tuple[Any, bool]] = [(root, True)]
        while waiting and not self.lost:
            schema, alone = waiting.pop()
            if isinstance(schema, dict) and id(schema) not in (
                self._alone if alone else self._shared
            ):
                waiting += self._enter(schema, alone=alone)

    def closed(self) -> frozenset[int]:
        """Return which objects may be closed."""
        found = {key for key, schema in self._alone.items() if _may_close(schema)}
        return frozenset(found - self._shared)

    def _enter(self, schema: dict[str, Any], *, alone: bool) -> Iterator[tuple[Any, bool]]:
        """Yield the schemas that take part in one, and whether each is all that is said there."""
        if alone:
            self._alone[id(schema)] = schema
        else:
            self._shared.add(id(schema))
        self.lost |= not (_ELSEWHERE - (_OWN if schema is self._root else set())).isdisjoint(schema)
        if self._excludes(schema.get("oneOf")):
            self.exclusive.add(id(schema))
        parts = _COMBINING.isdisjoint(schema) and not (
            "properties" in schema and "patternProperties" in schema
        )
        for (key, *_), child in children(schema):
            if key not in DEFINITIONS:
                yield child, alone and (parts if key in _INSIDE else self._only(schema, key))
        if "$ref" in schema:
            yield self._at(schema["$ref"]), alone and self._only(schema, "$ref")

    def _only(self, schema: dict[str, Any], key: str) -> bool:
        """Whether a schema says with this keyword all that it says of objects."""
        if any(word in _SAYING for word in schema if word != key):
            return False
        if key == "oneOf":
            return id(schema) in self.exclusive
        return key in {"anyOf", "$ref"} or (key == "allOf" and len(schema[key]) == 1)

    def _excludes(self, options: Any) -> bool:
        """Whether no value fits two of these options."""
        if not isinstance(options, list) or not 0 < len(options) <= _MOST_OPTIONS:
            return False
        followed = [self._followed(option) for option in options]
        if not all(isinstance(option, dict) for option in followed):
            return False
        constants = [self._constants(option) for option in followed]
        pairs = combinations(zip(followed, constants, strict=True), 2)
        return all(_exclude(one, other) for one, other in pairs)

    def _constants(self, option: dict[str, Any]) -> dict[str, frozenset[str]]:
        """Return the properties of an object that hold one of some texts, and those."""
        properties = option.get("properties")
        if not isinstance(properties, dict):
            return {}
        found = ((name, _texts(self._followed(value))) for name, value in properties.items())
        return {name: texts for name, texts in found if texts}

    def _followed(self, schema: Any) -> Any:
        """Return what a reference refers to, or the schema itself."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema
            schema = self._at(schema["$ref"])
        return None

    def _at(self, reference: Any) -> Any:
        """Return what stands at a path that begins at the root."""
        if not isinstance(reference, str) or not (reference + "/").startswith("#/"):
            self.lost = True
            return None
        place: Any = self._root
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(place, dict) and name in place:
                place = place[name]
            elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
                place = place[int(name)]
            else:
                self.lost = True
                return None
        return place


def _may_close(schema: dict[str, Any]) -> bool:
    """Whether what an object does not list has no part in it."""
    properties, required = schema.get("properties"), schema.get("required", [])
    least = schema.get("minProperties", 0)
    return (
        isinstance(properties, dict)
        and _LIMITING.isdisjoint(schema)
        and _COMBINING.isdisjoint(schema)
        and isinstance(required, list)
        and all(isinstance(name, str) and name in properties for name in required)
        and isinstance(least, int | float)
        and least <= len(properties)
    )


def _texts(schema: Any) -> frozenset[str]:
    """Return the texts that a schema lists if it takes nothing else."""
    if not isinstance(schema, dict):
        return frozenset()
    listed = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if not isinstance(listed, list) or not all(isinstance(value, str) for value in listed):
        return frozenset()
    return frozenset(listed)


_Option = tuple[dict[str, Any], dict[str, frozenset[str]]]


def _exclude(one: _Option, other: _Option) -> bool:
    """Whether no value fits both objects: one must hold a constant that the other forbids."""
    if "object" not in (one[0].get("type"), other[0].get("type")):
        return False
    needed = {*_required(one[0]), *_required(other[0])}
    return any(
        name in needed and texts.isdisjoint(other[1][name])
        for name, texts in one[1].items()
        if name in other[1]
    )


def _required(schema: dict[str, Any]) -> list[str]:
    required = schema.get("required")
    return (
        [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    )
