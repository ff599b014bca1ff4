"""Arguments that are written between tags instead of as JSON, turned into JSON on the way.

Text streams through as it comes; any other value is held until its closing tag shows what it is.
"""

from __future__ import annotations

import ast
import json

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools.json_text import escaped
from llmd.chat.tools.offer import ANY_TYPE, Kind, Tool, type_of

_LONGEST_LITERAL = 10_000
_WORDS = {"True": "true", "False": "false", "None": "null"}


class Arguments:
    """Writes the arguments of one call; the call begins with the first of them, or at the end."""

    def __init__(self, scan: Scanner, tool: Tool, call_id: str = "") -> None:
        self._scan = scan
        self._tool = tool
        self._id = call_id
        self.begun = False
        """Whether anything was given away."""

    def key(self, name: str) -> None:
        """Begin an argument; its value follows."""
        if not self.begun:
            self._scan.begin(self._tool.name, self._id)
        self._scan.argue((", " if self.begun else "{") + json.dumps(name, ensure_ascii=False))
        self._scan.argue(": ")
        self.begun = True

    def close(self) -> None:
        """End the arguments."""
        if not self.begun:
            self._scan.begin(self._tool.name, self._id)
        self._scan.argue("}" if self.begun else "{}")
        self.begun = True

    def value(
        self, name: str, closings: tuple[str, ...], *, text: bool | None = None
    ) -> Parsing[str]:
        """Read an argument's value up to one of `closings` and return that; raise Malformed when
        none comes. `text`: whether the model says that it is text.
        """
        self.key(name)
        return (yield from value(self._scan, self._tool, name, closings, text=text))


def value(
    scan: Scanner,
    tool: Tool,
    name: str,
    closings: tuple[str, ...],
    *,
    text: bool | None = None,
) -> Parsing[str]:
    """Pass a value on as JSON; see `Arguments.value`."""
    types = tool.types(name)
    plain = tool.kind(name) is Kind.TEXT if text is None else text and "string" in types
    found = yield from _text(scan, closings) if plain else _other(scan, closings, types)
    if found is None:
        raise Malformed
    return found


def _text(scan: Scanner, closings: tuple[str, ...]) -> Parsing[str | None]:
    scan.argue('"')
    found = yield from scan.through(closings, lambda text: scan.argue(escaped(text)))
    scan.argue('"' if found else "")
    return found


def _other(scan: Scanner, closings: tuple[str, ...], types: frozenset[str]) -> Parsing[str | None]:
    pieces: list[str] = []
    found = yield from scan.through(closings, pieces.append)
    text = "".join(pieces)
    scan.argue(as_json(text, types) if found else text)
    return found


def as_json(text: str, types: frozenset[str] = ANY_TYPE) -> str:
    """Return a value, written as JSON or as Python writes it, as JSON; anything else, and what is
    none of `types` where these have strings, as a string of JSON.
    """
    bare = text.strip()
    bare = _WORDS.get(bare, bare)
    if not is_json(bare):
        bare = _from_python(bare)
    if bare and ("string" not in types or type_of(json.loads(bare)) in types):
        return bare
    return json.dumps(text, ensure_ascii=False)


def is_json(text: str) -> bool:
    """Whether a text is JSON as everybody reads it: no NaN, not nested beyond all measure."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(word: str) -> None:
    raise ValueError(word)


def _from_python(text: str) -> str:
    """Return a list or dict in Python's spelling as JSON, "" for anything else: templates print
    arguments of former calls so, and models learn from them.
    """
    if not text.startswith(("{", "[", "(")) or len(text) > _LONGEST_LITERAL:
        return ""
    try:
        written = json.dumps(ast.literal_eval(text), ensure_ascii=False, allow_nan=False)
        written.encode()  # halves of surrogate pairs
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return ""
    return written
