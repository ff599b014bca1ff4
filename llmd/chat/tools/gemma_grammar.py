"""The grammar of Gemma 4's calls, built from a tool's schema piece by piece, since its way of
writing values is not JSON. What it cannot express is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from llmd.chat.tools.lark import Rules, Spelling, calls, listed
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged_grammar import cannot_force, check_object

_OPEN, _CLOSE, _QUOTE = "<|tool_call>", "<tool_call|>", '<|"|>'
_ANNOTATIONS = frozenset(
    "title description default examples deprecated readOnly writeOnly nullable $schema $id"
    " $defs definitions".split()
)
_KEYS = {
    "string": {"type", "enum", "const"},
    "object": {"type", "properties", "required", "additionalProperties"},
    "array": {"type", "items", "minItems", "maxItems"},
}
_NAME = re.compile(r"[^:,{}<\s\"]+")
_DEEPEST = 24


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of calls; raise ConstraintRefused when a schema says too much."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        check_object(tool)
        body = _Values(rules, tool).value({"type": "object", **tool.parameters}, "$", 0)
        options.append(rules.add(f"{rules.text(f'call:{tool.name}')} {body}"))
    one = rules.add(f"{rules.marker(_OPEN)} {rules.either(options)} {rules.marker(_CLOSE)}")
    return rules.grammar(calls(one, "", parallel=parallel))


class _Values:
    """Writes rules for the values of one tool's arguments."""

    def __init__(self, rules: Rules, tool: Tool) -> None:
        self._rules = rules
        self._tool = tool
        self._anything = ""

    def value(self, schema: Any, path: str, depth: int) -> str:
        """Return the rule for a value at a JSON path of the schema."""
        schema = self._tool.followed(schema)
        if depth > _DEEPEST:
            raise cannot_force(self._tool, path, "$ref")
        if not isinstance(schema, dict) or _ANNOTATIONS.issuperset(schema):
            return self._any()
        for word in ("anyOf", "oneOf"):
            if word in schema:
                self._check(schema, {word, "type"}, path)
                options = [self.value(one, f"{path}.{word}", depth + 1) for one in schema[word]]
                return self._rules.either(options)
        if "enum" in schema or "const" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            self._check(schema, {"type", "enum", "const"}, path)
            return self._rules.either([self._constant(value) for value in values])
        types = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(types, list):
            options = [self._typed(schema, kind, path, depth) for kind in types]
            return self._rules.either(options)
        return self._typed(schema, types, path, depth)

    def _typed(self, schema: Mapping[str, Any], kind: Any, path: str, depth: int) -> str:
        if kind in _KEYS and not isinstance(schema.get("type"), list):
            self._check(schema, _KEYS[kind], path)
        if kind == "string":
            return self._text()
        if kind == "object":
            return self._object(schema, path, depth)
        if kind == "array":
            return self._array(schema, path, depth)
        if kind is None:
            return self._any()
        return self._rules.json({**schema, "type": kind})

    def _object(self, schema: Mapping[str, Any], path: str, depth: int) -> str:
        properties = schema.get("properties") or {}
        required = list(dict.fromkeys(schema.get("required") or []))
        if not properties and not required and schema.get("additionalProperties") is not False:
            return self._any_object()
        written = {}
        for name in dict.fromkeys([*required, *properties]):
            if not _NAME.fullmatch(name):
                raise cannot_force(self._tool, f"{path}.properties.{name}", "properties")
            value = self.value(properties.get(name, {}), f"{path}.properties.{name}", depth + 1)
            written[name] = self._rules.add(f"{self._rules.text(f'{name}:')} {value}")
        may = [rule for name, rule in written.items() if name not in required]
        inside = listed(self._rules, [written[name] for name in required], may, '","')
        return self._rules.add(f'"{{" {inside} "}}"')

    def _array(self, schema: Mapping[str, Any], path: str, depth: int) -> str:
        item = self.value(schema.get("items", {}), f"{path}.items", depth + 1)
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        if high == 0:
            return '"[]"'
        more = f'("," {item}){{{max(low - 1, 0)},{"" if high is None else high - 1}}}'
        filled = f'"[" {item} {more} "]"'
        return self._rules.add(filled if low else f'"[]" | {filled}')

    def _text(self) -> str:
        quote = self._rules.marker(_QUOTE)
        if quote.startswith("<"):
            return self._rules.add(f"{quote} /(?s:.*)/ {quote}")
        return self._rules.add(f"{quote} {self._rules.until(_QUOTE)}")

    def _constant(self, value: Any) -> str:
        if isinstance(value, str):
            quote = self._rules.marker(_QUOTE)
            return f"{quote} {self._rules.text(value)} {quote}"
        if isinstance(value, dict | list):
            return self._rules.json({"const": value})
        return self._rules.text(json.dumps(value))

    def _any(self) -> str:
        """Return the rule for any value; it refers to itself, so it is made once."""
        if not self._anything:
            scalar = self._rules.json({"type": ["number", "boolean", "null"]})
            self._anything = self._rules.recursive(
                lambda own: f"{scalar} | {self._text()} | {_list(own)} | {_free_object(own)}"
            )
        return self._anything

    def _any_object(self) -> str:
        return self._rules.add(_free_object(self._any()))

    def _check(self, schema: Mapping[str, Any], understood: set[str], path: str) -> None:
        unknown = [word for word in schema if word not in understood | _ANNOTATIONS]
        if unknown:
            raise cannot_force(self._tool, path, unknown[0])


def _list(value: str) -> str:
    return f'"[]" | "[" {value} ("," {value})* "]"'


def _free_object(value: str) -> str:
    pair = f'/[A-Za-z_]\\w*/ ":" {value}'
    return f'"{{}}" | "{{" {pair} ("," {pair})* "}}"'
