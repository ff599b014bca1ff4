"""Where in a JSON Schema its subschemas stand. Vocabulary: JSON Schema draft 2020-12, and what
earlier drafts called otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DEFINITIONS = ("$defs", "definitions")
"""Keywords whose subschemas take part only where they are referred to."""

_ONE = ("items", "additionalItems", "additionalProperties", "contains", "not", "if", "then", "else")
_ONE_MORE = ("propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema")
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_MAP = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")


def children(schema: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the steps to each direct subschema, and the subschema."""
    for key, value in schema.items():
        if key in _MAP and isinstance(value, dict):
            yield from (((key, name), child) for name, child in value.items())
        elif key in _LIST and isinstance(value, list):
            yield from (((key, index), child) for index, child in enumerate(value))
        elif key in (*_ONE, *_ONE_MORE):
            yield (key,), value
