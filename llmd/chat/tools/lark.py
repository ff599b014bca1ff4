"""Puts grammars together that a forced call must follow, in llguidance's dialect of Lark.

Formats know texts only. Whether a marker is a token of its own, and must be written as one, depends
on the vocabulary: `Spelling` is the caller's knowledge of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from llmd.chat.tools.offer import Kind, Schema, Tool

Spelling = Callable[[str], str | None]
"""How the grammar names the special token of that text; None: it is no token, but plain text."""

# the spacing that templates print former calls with; nothing is enforced by halves
_STYLE = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "coerce_one_of": False,
    "lenient": False,
}
_TYPES = frozenset("string number integer boolean null array object".split())


class Rules:
    """The rules of one grammar."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._lines: list[str] = []

    def add(self, body: str, options: str = "") -> str:
        """Add a rule and return its name; `options` as in `name[suffix="x"]: ...`."""
        name = f"r{len(self._lines)}"
        self._lines.append(f"{name}{options}: {body}")
        return name

    def recursive(self, body: Callable[[str], str]) -> str:
        """Add a rule that refers to itself: `body` takes its name."""
        place = len(self._lines)
        self._lines.append("")
        name = f"r{place}"
        self._lines[place] = f"{name}: {body(name)}"
        return name

    def text(self, text: str) -> str:
        """Return the literal that matches a text."""
        return json.dumps(text, ensure_ascii=False)

    def marker(self, text: str) -> str:
        """Return what matches a marker: its token where it is one, else its text."""
        return self._spelling(text) or self.text(text)

    def spelled(self, text: str, tokens: tuple[str, ...]) -> str:
        """Return what matches a text in which some of `tokens` may stand, the longest first."""
        pieces = enumerate(self._pieces(text, tokens))
        spelt = (self.marker(one) if place % 2 else self.text(one) for place, one in pieces if one)
        return " ".join(spelt) or self.text("")

    def json(self, schema: Schema) -> str:
        """Add a rule for JSON of a schema and return its name."""
        return self.add(f"%json {json.dumps(styled(schema), ensure_ascii=False)}")

    def arguments(self, tool: Tool) -> str:
        """Add a rule for a tool's arguments as one JSON object and return its name."""
        return self.json(object_schema(tool))

    def until(self, ending: str, tokens: tuple[str, ...] = (), pattern: str = r"(?s:.*)") -> str:
        """Add a rule for text of a pattern up to, and with, the first `ending`, in which some of
        `tokens` may stand; return its name.
        """
        head, *rest = self._pieces(ending, tokens)
        if not rest:
            return self.add(f"/{pattern}/", f"[suffix={self.text(ending)}]")
        # text alone never matches a token; what its letters spell could be taken for the ending
        text = f"T{len(self._lines)}"
        once = f"/{pattern}{_literal(head)}/ & ~/(?s:.*{_literal(ending)}.*)/"
        self._lines.append(f"{text}: {once}")
        return self.add(f"{text} {self.spelled(ending[len(head) :], tokens)}")

    def _pieces(self, text: str, tokens: tuple[str, ...]) -> list[str]:
        """Return a text cut where it has `tokens` of the vocabulary: every second piece is one."""
        known = [token for token in tokens if token in text and self._spelling(token)]
        known.sort(key=len, reverse=True)
        return re.split(f"({'|'.join(map(re.escape, known))})", text) if known else [text]

    def either(self, options: list[str]) -> str:
        """Add a rule for one of several and return its name."""
        return self.add(" | ".join(options))

    def grammar(self, start: str) -> str:
        """Return the whole grammar."""
        return "\n".join([f"start: {start}", *self._lines])


def _literal(text: str) -> str:
    """Return text as a part of a regular expression between slashes."""
    return re.escape(text).replace("/", r"\/")


def calls(one: str, between: str, *, parallel: bool) -> str:
    """Return what matches one call, or any number of them with `between` in between."""
    return f"{one} ({between} {one})*" if parallel else one


def listed(rules: Rules, required: list[str], optional: list[str], between: str) -> str:
    """Return what matches all of `required` and any of `optional`, in order, with `between`
    between any two.
    """
    tails = " ".join(f"({between} {one})?" for one in optional)
    if required:
        return rules.add(f"{f' {between} '.join(required)} {tails}")
    options = ['""']
    for place, first in enumerate(optional):
        rest = " ".join(f"({between} {one})?" for one in optional[place + 1 :])
        options.append(f"{first} {rest}")
    return rules.either(options)


def styled(schema: Schema) -> dict[str, Any]:
    """Return a schema whose JSON has the spacing of calls."""
    return {**schema, "x-guidance": _STYLE}


def object_schema(tool: Tool) -> dict[str, Any]:
    """Return the schema of a tool's arguments; arguments are always an object."""
    return {"type": "object", **tool.parameters}


def outlined(tool: Tool) -> Tool:
    """Return a tool whose schema says no more than how its arguments are written: what calls of a
    tool that is not strict keep to where a grammar is needed.
    """
    outline: dict[str, Any] = {"type": "object"}
    if "properties" in tool.parameters:
        outline["properties"] = {name: _outline(tool, name) for name in tool.properties}
    if isinstance(required := tool.parameters.get("required"), list):
        outline["required"] = [name for name in required if isinstance(name, str)]
    if "additionalProperties" in tool.parameters:
        outline["additionalProperties"] = tool.parameters["additionalProperties"] is not False
    return Tool(tool.name, outline)


def _outline(tool: Tool, name: str) -> dict[str, Any]:
    schema, kind = tool.schema(name), tool.kind(name)
    if kind is Kind.TEXT:
        return dict(schema)
    if kind is Kind.STRING:
        return {"type": "string"}
    types = schema.get("type") if isinstance(schema, dict) else None
    listed = types if isinstance(types, list) else [types]
    return {"type": types} if listed and _TYPES.issuperset(map(str, listed)) else {}
