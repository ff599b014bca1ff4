"""Reads GBNF into rules. Leaves are already written as Lark: strings as JSON, classes as regular
expressions whose characters are all escaped, so that no character can mean anything else there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_DEEPEST = 50
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]"}
_HEX = {"x": 2, "u": 4, "U": 8}
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_BOUNDS = re.compile(r"\{\s*(\d{1,6})\s*(?:(,)\s*(\d{1,6})?\s*)?\}")
_TOKEN = re.compile(r"<(?:\[(\d{1,9})\]|[^<>\[\]\s]+)>")
_ANY = "/(?s:.)/"


class GbnfError(ValueError):
    """The text is no GBNF; says what is wrong, at which line and column."""


@dataclass(frozen=True, slots=True)
class Text:
    """One string, class or dot, in Lark."""

    lark: str


@dataclass(frozen=True, slots=True)
class Special:
    """One control token, in Lark; never part of a terminal."""

    lark: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of another rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """Nodes that follow each other."""

    items: list[Node]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several nodes."""

    options: list[Node]


@dataclass(frozen=True, slots=True)
class Repetition:
    """A node from `low` to `high` times; None: without end."""

    item: Node
    low: int
    high: int | None


Node = Text | Special | Reference | Run | Alternatives | Repetition


def read(text: str, most: int) -> dict[str, Node]:
    """Return the rules by name, at most `most`; raise GbnfError."""
    reader = _Reader(text)
    rules: dict[str, Node] = {}
    reader.skip(lines=True)
    while not reader.ended:
        name, body = reader.rule()
        if name in rules:
            raise reader.fault(f'the rule "{name}" is defined twice')
        if len(rules) >= most:
            raise reader.fault(f"there are more than {most} rules")
        rules[name] = body
    return rules


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._text)

    def fault(self, what: str) -> GbnfError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return GbnfError(f"{what} (line {line}, column {column})")

    def skip(self, *, lines: bool) -> None:
        blank = (_BLANK_LINES if lines else _BLANK).match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def rule(self) -> tuple[str, Node]:
        name = self._name()
        self.skip(lines=False)
        if not self._text.startswith("::=", self._at):
            raise self.fault('"::=" is missing')
        self._at += 3
        self.skip(lines=True)
        body = self._alternatives(nested=False)
        if not self.ended and self._peek() not in "\r\n":
            raise self.fault(f"{self._peek()!r} is not expected here")
        self.skip(lines=True)
        return name, body

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if not match:
            raise self.fault("a rule's name is missing")
        self._at = match.end()
        return match[0]

    def _alternatives(self, *, nested: bool) -> Node:
        options = [self._run(nested=nested)]
        while self._peek() == "|":
            self._at += 1
            self.skip(lines=True)
            options.append(self._run(nested=nested))
        return options[0] if len(options) == 1 else Alternatives(options)

    def _run(self, *, nested: bool) -> Node:
        items: list[Node] = []
        while item := self._item():
            self.skip(lines=nested)
            items.append(self._repeated(item, nested=nested))
        return items[0] if len(items) == 1 else Run(items)

    def _item(self) -> Node | None:
        first = self._peek()
        if first == '"':
            return self._string()
        if first == "[":
            return self._class()
        if first == "(":
            return self._group()
        if first == ".":
            self._at += 1
            return Text(_ANY)
        if first and first in "<!":
            return self._token()
        return Reference(self._name()) if _NAME.match(first) else None

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.fault(f"groups are nested more than {_DEEPEST} deep")
        self._at += 1
        self.skip(lines=True)
        inner = self._alternatives(nested=True)
        if self._peek() != ")":
            raise self.fault('")" is missing')
        self._at += 1
        self._depth -= 1
        return inner

    def _repeated(self, item: Node, *, nested: bool) -> Node:
        while repetition := self._repetition():
            item = Repetition(item, *repetition)
            self.skip(lines=nested)
        return item

    def _repetition(self) -> tuple[int, int | None] | None:
        sign = self._peek()
        if sign and sign in "*+?":
            self._at += 1
            return (1 if sign == "+" else 0), (1 if sign == "?" else None)
        if sign != "{":
            return None
        match = _BOUNDS.match(self._text, self._at)
        low, high = (int(match[1]), match[3]) if match else (0, None)
        if not match or (high and int(high) < low):
            raise self.fault('"{m}", "{m,}" or "{m,n}" is expected')
        self._at = match.end()
        return low, int(high) if high else None if match[2] else low

    def _string(self) -> Node:
        self._at += 1
        found: list[str] = []
        while (char := self._peek()) != '"':
            found.append(self._character())
        self._at += len(char)
        return Text(json.dumps("".join(found), ensure_ascii=False)) if found else Run([])

    def _class(self) -> Node:
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        parts: list[str] = []
        while self._peek() != "]":
            low = high = self._character()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._character()
                if high < low:
                    raise self.fault("a range of characters ends before it starts")
            parts.append(f"\\x{{{ord(low):x}}}-\\x{{{ord(high):x}}}")
        self._at += 1
        if not parts and not negated:
            raise self.fault("an empty class matches nothing")
        return Text(f"/[{'^' if negated else ''}{''.join(parts)}]/" if parts else _ANY)

    def _character(self) -> str:
        char = self._peek()
        if not char:
            raise self.fault("the text ends inside a string or class")
        self._at += 1
        return self._escape() if char == "\\" else char

    def _escape(self) -> str:
        kind = self._peek()
        self._at += 1
        if kind in _HEX:
            digits = self._text[self._at : self._at + _HEX[kind]]
            self._at += len(digits)
            if re.fullmatch(rf"[0-9A-Fa-f]{{{_HEX[kind]}}}", digits):
                return self._code_point(int(digits, 16))
        elif kind and kind in _SIMPLE:
            return _SIMPLE[kind]
        raise self.fault("this escape is not known")

    def _code_point(self, code: int) -> str:
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004  Unicode's bounds
            raise self.fault(f"U+{code:X} is no character")
        return chr(code)

    def _token(self) -> Node:
        negated = self._peek() == "!"
        match = _TOKEN.match(self._text, self._at + negated)
        if not match:
            raise self.fault('"<name>" or "<[id]>" is expected')
        if negated and not match[1]:
            raise self.fault('only a numbered token can be excluded: "!<[id]>"')
        self._at = match.end()
        return Special(f"<[^{match[1]}]>" if negated else match[0])
