"""The tools of one request, as formats need them: names, schemas, types of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Self

import msgspec

Schema = Mapping[str, Any]

_DEEPEST_REFERENCE = 16
# what a schema of any text may hold; listed texts stand on one line and in no tag's way
_PLAIN_WORDS = frozenset(
    "type enum const title description default examples deprecated readOnly writeOnly".split()
)
BARE_WORDS = _PLAIN_WORDS - {"enum", "const"}
"""What a schema may hold that names a type and no more."""
_PLAIN_VALUE = re.compile(r"[^<\n]*")
_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}
DEFINITIONS = ("$defs", "definitions")
"""Where a schema keeps what its references refer to."""
ANY_TYPE = frozenset(_TYPES.values())
"""All types of JSON that a schema can name; `number` goes with `integer`, as in schemas."""


class Kind(StrEnum):
    """How a parameter's value is written where values are not JSON."""

    TEXT = "text"
    """As it stands: the schema takes any string, or some that are listed."""
    STRING = "string"
    """As it stands, or as a JSON string: the schema takes strings of a certain form alone."""
    JSON = "json"
    """As JSON: the schema takes no string."""
    EITHER = "either"
    """As JSON where it is such, else as it stands."""


class Tool(msgspec.Struct, frozen=True):
    """One function that may be called."""

    name: str
    parameters: dict[str, Any]
    """A JSON schema of an object."""
    strict: bool = False
    """Calls must follow the schema even when the model is free to call or not."""

    @property
    def properties(self) -> dict[str, Any]:
        """Schemas of the parameters, by name."""
        properties = self.parameters.get("properties")
        return properties if isinstance(properties, dict) else {}

    def schema(self, parameter: str) -> Any:
        """Return the schema of one parameter with local references followed; {} when there is
        none.
        """
        return self.followed(self.properties.get(parameter, {}))

    def kind(self, parameter: str) -> Kind:
        """Return how values of a parameter are written."""
        types = self.types(parameter)
        if "string" not in types:
            return Kind.JSON
        if types != {"string"}:
            return Kind.EITHER
        return Kind.TEXT if _plain(self.schema(parameter)) else Kind.STRING

    def types(self, parameter: str) -> frozenset[str]:
        """Return the types of JSON that a parameter takes; all when its schema does not say."""
        return self._types(self.schema(parameter), 0)

    def _types(self, schema: Any, depth: int) -> frozenset[str]:
        if not isinstance(schema, dict) or depth > _DEEPEST_REFERENCE:
            return ANY_TYPE
        if "enum" in schema or "const" in schema:
            listed = schema.get("enum")
            values = listed if isinstance(listed, list) else [schema.get("const")]
            return frozenset(map(type_of, values))
        types = schema.get("type")
        if types:
            named = frozenset(map(str, types if isinstance(types, list) else [types]))
            return named | {"integer"} if "number" in named else named
        found = ANY_TYPE
        for word in ("anyOf", "oneOf", "allOf"):
            options = [
                self._types(self.followed(option), depth + 1) for option in schema.get(word) or []
            ]
            if options:
                found &= frozenset.intersection(*options) if word == "allOf" else _union(options)
        return found

    def takes_any_text(self, parameter: str) -> bool:
        """Whether any string is a value of a parameter that also takes values of other types, and
        these are bound to nothing but their type.
        """
        schema = self.schema(parameter)
        if not isinstance(schema, dict) or "string" not in self.types(parameter):
            return False
        if "anyOf" not in schema:
            return "type" in schema and BARE_WORDS.issuperset(schema)
        options = map(self.followed, schema["anyOf"])
        return (BARE_WORDS | {"anyOf"}).issuperset(schema) and all(
            isinstance(option, dict) and "type" in option and BARE_WORDS.issuperset(option)
            for option in options
        )

    def members(self, parameter: str) -> Tool:
        """Return a tool whose parameters are the members of a parameter that is an object."""
        found: dict[str, Any] = {}
        for schema in self._alternatives(parameter):
            if isinstance(properties := schema.get("properties"), dict):
                found = {**properties, **found}
        return self._inside(self.schema(parameter), found)

    def items(self, parameter: str, name: str) -> Tool:
        """Return a tool whose parameter of that name is an item of a parameter that is a list."""
        found = (schema["items"] for schema in self._alternatives(parameter) if "items" in schema)
        return self._inside({}, {name: next(found, {})})

    def _alternatives(self, parameter: str) -> list[dict[str, Any]]:
        """Return the schema of a parameter and those it is put together from."""
        schema = self.schema(parameter)
        if not isinstance(schema, dict):
            return []
        words = ("anyOf", "oneOf", "allOf")
        parts = [self.followed(part) for word in words for part in schema.get(word) or []]
        return [schema, *(part for part in parts if isinstance(part, dict))]

    def _inside(self, schema: Any, properties: dict[str, Any]) -> Tool:
        """Return a tool of what a schema says, with its own properties and all definitions."""
        definitions = {
            word: self.parameters[word] for word in DEFINITIONS if word in self.parameters
        }
        own = schema if isinstance(schema, dict) else {}
        return Tool(self.name, {**own, **definitions, "properties": properties})

    def followed(self, schema: Any) -> Any:
        """Return what a local reference refers to, or the schema itself."""
        for _ in range(_DEEPEST_REFERENCE):
            target = schema.get("$ref") if isinstance(schema, dict) else None
            if not isinstance(target, str) or not target.startswith("#/"):
                return schema
            schema = self._at(target)
        return {}

    def _at(self, reference: str) -> Any:
        place: Any = self.parameters
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name, {}) if isinstance(place, dict) else {}
        return place


class Offer(msgspec.Struct, frozen=True):
    """Everything that one answer may call."""

    tools: tuple[Tool, ...] = ()

    @classmethod
    def of(cls, tools: Sequence[Mapping[str, Any]]) -> Self:
        """Read tools of OpenAI's shape; what is no function is left out."""
        functions = [tool.get("function", tool) for tool in tools]
        return cls(
            tuple(
                Tool(
                    function["name"],
                    _object(function.get("parameters")),
                    strict=function.get("strict") is True,
                )
                for function in functions
                if isinstance(function, dict) and isinstance(function.get("name"), str)
            )
        )

    def find(self, name: str) -> Tool | None:
        """Return the tool of that name, if it is offered."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def has(self, name: str) -> bool:
        """Whether there is a tool of that name."""
        return self.find(name) is not None

    def only(self, name: str) -> Offer:
        """Return an offer of that tool alone."""
        return Offer(tuple(tool for tool in self.tools if tool.name == name))

    def tool(self, name: str) -> Tool:
        """Return the tool of that name, or one of that name that takes anything."""
        return self.find(name) or Tool(name, {})


def type_of(value: object) -> str:
    """Return the type of a value that was read from JSON, as schemas name it."""
    return _TYPES[type(value)]


def _union(options: list[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*options)


def _plain(schema: Schema) -> bool:
    """Whether a schema of strings takes any text, or a list of simple ones."""
    listed = [*(schema.get("enum") or []), schema.get("const", "")]
    return _PLAIN_WORDS.issuperset(schema) and all(map(_PLAIN_VALUE.fullmatch, listed))


def _object(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {}
