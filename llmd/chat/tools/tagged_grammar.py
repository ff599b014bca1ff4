"""Grammars of arguments between tags: all required ones and any others, in the schema's order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from llmd.chat.tools.lark import Rules, styled
from llmd.chat.tools.offer import Kind, Tool
from llmd.errors import ConstraintRefused

_UNDERSTOOD = frozenset(
    "type properties required additionalProperties title description default examples"
    " $schema $id $defs definitions".split()
)
_NAME = re.compile(r'[^<>"\n]+')
_NO_TAG = r"\s*([^<\s](?s:.*))?"


@dataclass(frozen=True, slots=True)
class TagStyle:
    """What stands around an argument's value."""

    before: str
    """With `{name}` for the argument's name."""
    value_end: str
    """What ends any text; no value can hold it."""
    after: str = ""
    """What follows that."""
    line: str = ""
    """What separates other values from `value_end`."""
    markers: tuple[str, ...] = ()
    """Texts in all of these that some vocabularies have control tokens for."""
    around: tuple[str, str] = ("", "")
    """What a text may stand between; one that does not begins with no tag."""


def tagged_arguments(rules: Rules, tool: Tool, style: TagStyle) -> str:
    """Return what matches a tool's arguments; raise ConstraintRefused when its schema says more
    than tags can express.
    """
    check_object(tool)
    required = tool.parameters.get("required") or []
    parts = []
    for name in dict.fromkeys([*tool.properties, *required]):
        if not _NAME.fullmatch(name):
            raise cannot_force(tool, f"$.properties.{name}", "properties")
        argument = rules.add(_argument(rules, tool, name, style))
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


def _argument(rules: Rules, tool: Tool, name: str, style: TagStyle) -> str:
    before = rules.spelled(style.before.format(name=name), style.markers)
    schema = tool.schema(name)
    end = rules.spelled(style.line + style.value_end + style.after, style.markers)
    if tool.kind(name) is not Kind.TEXT:
        return f"{before} {rules.json(with_definitions(tool, schema))} {end}"
    listed = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
    if listed:
        return f"{before} {rules.either([rules.text(text) for text in listed])} {end}"
    value = _text(rules, style)
    return f"{before} {value} {rules.text(style.after)}" if style.after else f"{before} {value}"


def _text(rules: Rules, style: TagStyle) -> str:
    opening, closing = style.around
    if not opening:
        return rules.ended(style.value_end, style.markers)
    bare = rules.ended(style.value_end, style.markers, _NO_TAG)
    inside = rules.ended(closing + style.value_end, style.markers)
    return rules.either([bare, f"{rules.text(opening)} {inside}"])


def with_definitions(tool: Tool, schema: Any) -> dict[str, Any]:
    """Return the schema of one argument together with the definitions it may refer to."""
    definitions: dict[str, Any] = {
        word: tool.parameters[word] for word in ("$defs", "definitions") if word in tool.parameters
    }
    return styled({**definitions, **schema}) if isinstance(schema, dict) else {}
