"""The grammar of Kimi K3's calls: an argument a tag, or where tags cannot keep to a tool's schema
all of them as one JSON object.
"""

from __future__ import annotations

import re

from llmd.chat.tools.lark import Rules, Spelling
from llmd.chat.tools.offer import Kind, Offer, Tool
from llmd.chat.tools.tagged_grammar import check_object, with_definitions
from llmd.errors import ConstraintRefused

_MARKERS = ("<|open|>", "<|close|>", "<|sep|>")
_ARGUMENT_END = "<|close|>argument<|sep|>"
_HEAD_END = '"<|sep|>'
_NAME = re.compile(r'[^<>&"\n]+')
# numbers of any kind go by one name
_NAMES = {"integer": "number"}


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool, behind: str = "") -> str:
    """Return the grammar of a section of calls, `behind` a text."""
    rules = Rules(spelling)
    options = []
    end = _spelled(rules, "<|close|>call<|sep|>")
    for tool in offer.tools:
        head = _spelled(rules, f'<|open|>call tool="{_escaped(tool.name)}" index="')
        arguments = _tags(rules, tool) if _suits_tags(tool) else _object(rules, tool)
        number = f"/[0-9]{{1,3}}/ {_spelled(rules, _HEAD_END)}"
        options.append(rules.add(f"{head} {number} {arguments} {end}"))
    every = rules.either(options) + ("+" if parallel else "")
    opening = _spelled(rules, f"{behind}<|open|>tools<|sep|>")
    return rules.grammar(f"{opening} {every} {_spelled(rules, '<|close|>tools<|sep|>')}")


def _spelled(rules: Rules, text: str) -> str:
    return rules.spelled(text, _MARKERS)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def _suits_tags(tool: Tool) -> bool:
    """Whether each argument has a tag that keeps to its schema."""
    try:
        check_object(tool)
    except ConstraintRefused:
        return False
    return all(
        _NAME.fullmatch(name) and tool.kind(name) in {Kind.TEXT, Kind.JSON} for name in _names(tool)
    )


def _names(tool: Tool) -> list[str]:
    required = tool.parameters.get("required") or []
    return list(dict.fromkeys([*tool.properties, *required]))


def _object(rules: Rules, tool: Tool) -> str:
    opening = _spelled(rules, '<|open|>json type="object"<|sep|>')
    closing = _spelled(rules, "<|close|>json<|sep|>")
    return rules.add(f"{opening} {rules.arguments(tool)} {closing}")


def _tags(rules: Rules, tool: Tool) -> str:
    required = tool.parameters.get("required") or []
    parts = []
    for name in _names(tool):
        argument = rules.add(_argument(rules, tool, name))
        parts.append(argument if name in required else f"{argument}?")
    return rules.add(" ".join(parts) or '""')


def _argument(rules: Rules, tool: Tool, name: str) -> str:
    schema = tool.schema(name)
    types = sorted({_NAMES.get(kind, kind) for kind in tool.types(name)})
    kinds = rules.either([rules.text(kind) for kind in types])
    head = _spelled(rules, f'<|open|>argument key="{name}" type="')
    before = f"{head} {kinds} {_spelled(rules, _HEAD_END)}"
    end = _spelled(rules, _ARGUMENT_END)
    if tool.kind(name) is Kind.JSON:
        return f"{before} {rules.json(with_definitions(tool, schema))} {end}"
    if "enum" in schema or "const" in schema:
        listed = schema["enum"] if "enum" in schema else [schema["const"]]
        return f"{before} {rules.either([rules.text(text) for text in listed])} {end}"
    return f"{before} {rules.until(_ARGUMENT_END, _MARKERS)}"
