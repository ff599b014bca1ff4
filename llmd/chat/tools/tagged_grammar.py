"""Grammars of arguments between tags: all required ones and any others, in the schema's order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from llmd.chat.tools.lark import Rules, styled
from llmd.chat.tools.offer import BARE_WORDS, DEFINITIONS, Kind, Schema, Tool
from llmd.errors import ConstraintRefused

_UNDERSTOOD = frozenset(
    "type properties required additionalProperties title description default examples"
    " $schema $id $defs definitions".split()
)
_OBJECT = _UNDERSTOOD | BARE_WORDS
_ARRAY = BARE_WORDS | {"items", "minItems", "maxItems"}
_NESTING = {"object", "array"}
_NAME = re.compile(r'[^<>"\n]+')
_NO_TAG = r"\s*([^<\s](?s:.*))?"
_DEEPEST = 5
"""Tags in tags that a grammar writes; deeper values are JSON."""


@dataclass(frozen=True, slots=True)
class TagStyle:
    """What stands around an argument's value."""

    before: str
    """With `{name}` for the argument's name, and perhaps `{string}` for `true` where the value is
    text and `false` where it is JSON.
    """
    value_end: str
    """What ends any text; no value can hold it. Perhaps with `{name}`."""
    after: str = ""
    """What follows that."""
    line: str = ""
    """What separates other values from `value_end`."""
    tokens: tuple[str, ...] = ()
    """Parts of all these that can be tokens of their own."""
    around: tuple[str, str] = ("", "")
    """What a text may stand between; one that does not begins with no tag."""
    item: str = ""
    """The name of every item of a list, where objects and lists are written with tags again."""


def tagged_arguments(rules: Rules, tool: Tool, style: TagStyle) -> str:
    """Return what matches a tool's arguments; raise ConstraintRefused when its schema says more
    than tags can express.
    """
    check_object(tool)
    for name in [*tool.properties, *(tool.parameters.get("required") or [])]:
        if not _NAME.fullmatch(name):
            raise cannot_force(tool, f"$.properties.{name}", "properties")
    return _arguments(rules, tool, style, 0)


def _arguments(rules: Rules, tool: Tool, style: TagStyle, depth: int) -> str:
    required = tool.parameters.get("required") or []
    parts = []
    for name in dict.fromkeys([*tool.properties, *required]):
        argument = rules.add(_argument(rules, tool, name, style, depth))
        parts.append(argument if name in required else f"{argument}?")
    return rules.add(" ".join(parts) or '""')


def check_object(tool: Tool) -> None:
    """Raise ConstraintRefused when a tool's schema constrains its arguments together."""
    unknown = [word for word in tool.parameters if word not in _UNDERSTOOD]
    if unknown:
        raise cannot_force(tool, "$", unknown[0])


def cannot_force(tool: Tool, path: str, keyword: str) -> ConstraintRefused:
    """Return the error that says which keyword, at a JSON path of a tool's schema, the model's way
    to write calls cannot keep to.
    """
    return ConstraintRefused(
        f"Calls of {tool.name} cannot be forced: the way this model writes calls cannot keep to"
        f" {keyword} (at {path}).",
        hint="Leave the keyword out, or let the model choose freely.",
        param="tools",
        tool=tool.name,
        path=path,
        keyword=keyword,
    )


def _argument(rules: Rules, tool: Tool, name: str, style: TagStyle, depth: int) -> str:
    """Return what matches one argument with its tags."""
    if tool.kind(name) is Kind.TEXT:
        return _text(rules, tool, name, style)
    schema = tool.schema(name)
    if "{string}" in style.before:
        json_value = _other(rules, tool, name, style)
        if schema == {} or tool.takes_any_text(name):
            return rules.either([_text(rules, tool, name, style), json_value])
        return json_value
    if not style.item:
        return _other(rules, tool, name, style)
    if tool.takes_any_text(name):
        return _text(rules, tool, name, style)
    before, end = _tags(rules, name, style)
    return f"{before} {_nested(rules, tool, name, style, depth)} {end}"


def _tags(rules: Rules, name: str, style: TagStyle, string: str = "false") -> tuple[str, str]:
    """Return what matches the tags around an argument."""
    before = style.before.format(name=name, string=string)
    end = style.value_end.format(name=name) + style.after
    return rules.spelled(before, style.tokens), rules.spelled(end, style.tokens)


def _text(rules: Rules, tool: Tool, name: str, style: TagStyle) -> str:
    before, end = _tags(rules, name, style, "true")
    schema = tool.schema(name)
    listed = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
    if listed:
        options = rules.either([rules.text(text + style.line) for text in listed])
        return f"{before} {options} {end}"
    value = _any_text(rules, name, style)
    return f"{before} {value} {rules.text(style.after)}" if style.after else f"{before} {value}"


def _any_text(rules: Rules, name: str, style: TagStyle) -> str:
    """Return what matches any text with the end of its value."""
    ending = style.value_end.format(name=name)
    opening, closing = style.around
    if not opening:
        return rules.until(ending, style.tokens)
    bare = rules.until(ending, style.tokens, _NO_TAG)
    inside = rules.until(closing + ending, style.tokens)
    return rules.either([bare, f"{rules.text(opening)} {inside}"])


def _other(rules: Rules, tool: Tool, name: str, style: TagStyle) -> str:
    before, end = _tags(rules, name, style)
    line = f"{rules.text(style.line)} " if style.line else ""
    return f"{before} {rules.json(with_definitions(tool, tool.schema(name)))} {line}{end}"


def _nested(rules: Rules, tool: Tool, name: str, style: TagStyle, depth: int) -> str:
    """Return what matches a value that is no text: tags again, or JSON, which can say more."""
    schema, types = tool.schema(name), tool.types(name)
    if depth < _DEEPEST and isinstance(schema, dict) and types & _NESTING and "string" not in types:
        options = _options(schema)
        if len(options) > 1:
            parts = (Tool(tool.name, {**tool.parameters, "properties": {name: o}}) for o in options)
            nested = [_nested(rules, part, name, style, depth + 1) for part in parts]
            return rules.either(nested)
        inside = tool.members(name)
        names = [*inside.properties, *(inside.parameters.get("required") or [])]
        if types == {"object"} and _OBJECT.issuperset(schema) and inside.properties:
            if all(map(_NAME.fullmatch, names)):
                return _arguments(rules, inside, style, depth + 1)
        elif types == {"array"} and _ARRAY.issuperset(schema) and "items" in schema:
            item = _argument(rules, tool.items(name, style.item), style.item, style, depth + 1)
            bounds = f"{schema.get('minItems', 0)},{schema.get('maxItems', '')}"
            return f"{rules.add(item)}{{{bounds}}}"
    return rules.json(with_definitions(tool, schema))


def _options(schema: Schema) -> list[Any]:
    """Return the schemas, of one type each, that a schema is a choice of; none if it is no such."""
    if "anyOf" in schema and BARE_WORDS.issuperset({*schema} - {"anyOf"}):
        return list(schema["anyOf"])
    types = schema.get("type")
    return [{**schema, "type": one} for one in types] if isinstance(types, list) else []


def with_definitions(tool: Tool, schema: Any) -> dict[str, Any]:
    """Return the schema of one argument together with the definitions it may refer to."""
    definitions: dict[str, Any] = {
        word: tool.parameters[word] for word in DEFINITIONS if word in tool.parameters
    }
    return styled({**definitions, **schema}) if isinstance(schema, dict) else {}
