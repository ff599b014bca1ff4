"""Reads Go's template language into a tree; see https://pkg.go.dev/text/template."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ACTION = re.compile(
    r"\{\{(?P<left>-(?=\s))?(?P<body>(?:/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|[^\"`])*?)"
    r"(?P<right>(?<=\s)-)?\}\}",
    re.DOTALL,
)
_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:\\.|[^\"\\\n])*\"|`[^`]*`)|(?P<field>\$?\w*(?:\.\w+)+)"
    r"|(?P<variable>\$\w*)|(?P<dot>\.)|(?P<number>-?\d+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>:=|[=(),|]))",
    re.ASCII,
)
_DEEPEST = 40
_LONGEST = 2**18
_SIMPLE = frozenset({"break", "continue"})


class Untranslatable(Exception):
    """The template needs something that is not understood; the text says what, and where."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, true, false or nil."""

    value: str | int | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """`.A.B`, `$.A` or `$name.A`: `root` is `.`, `$` or the variable's name with its `$`."""

    root: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Expression, ...]


Expression = Literal | Field | Call


@dataclass(frozen=True, slots=True)
class Text:
    """What stands outside of actions."""

    text: str


@dataclass(frozen=True, slots=True)
class Emit:
    """An action that writes a value."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Assign:
    """`$name := value` or `$name = value`."""

    name: str
    value: Expression
    declares: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`: conditions with their bodies; the last may have none."""

    cases: tuple[tuple[Expression | None, Body], ...]


@dataclass(frozen=True, slots=True)
class Range:
    """`range $index, $item := over`."""

    index: str
    item: str
    over: Expression
    body: Body


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    word: str


Node = Text | Emit | Assign | Branch | Range | Jump
Body = tuple[Node, ...]


def parse(source: str) -> Body:
    """Return the tree of a template; raise Untranslatable."""
    if len(source) > _LONGEST:
        raise Untranslatable(f"it has more than {_LONGEST} characters")
    body, end = _Parser(_cut(source)).body(0)
    if end:
        raise Untranslatable(f"{end} has no beginning")
    return body


def _cut(source: str) -> Iterator[str | tuple[str, int]]:
    """Yield texts, trimmed as actions ask, and the actions with their lines."""
    at, trim = 0, False
    while (start := source.find("{{", at)) >= 0:
        match = _ACTION.match(source, start)
        line = source.count("\n", 0, start) + 1
        if match is None:
            raise Untranslatable(f"line {line}: an action is never closed")
        text = source[at:start]
        text = text.lstrip() if trim else text
        yield text.rstrip() if match["left"] else text
        action = match["body"].strip()
        if not action.startswith("/*"):
            yield action, line
        at, trim = match.end(), bool(match["right"])
    rest = source[at:]
    yield rest.lstrip() if trim else rest


class _Parser:
    """Builds the tree; one pass."""

    def __init__(self, pieces: Iterator[str | tuple[str, int]]) -> None:
        self._pieces = pieces

    def body(self, depth: int) -> tuple[Body, str]:
        """Return nodes up to `end`, `else...` or the end of all, and what ended them."""
        if depth > _DEEPEST:
            raise Untranslatable("it is nested too deeply")
        nodes: list[Node] = []
        for piece in self._pieces:
            if isinstance(piece, str):
                if piece:
                    nodes.append(Text(piece))
                continue
            action, line = piece
            word = action.split(maxsplit=1)[0] if action else ""
            if word in {"end", "else"}:
                return tuple(nodes), action
            try:
                nodes.append(self._node(word, action.removeprefix(word).strip(), action, depth))
            except Untranslatable as error:
                if str(error).startswith("line "):
                    raise
                raise Untranslatable(f"line {line}: {error}") from None
        return tuple(nodes), ""

    def _node(self, word: str, rest: str, action: str, depth: int) -> Node:
        if word == "if":
            return self._branch(rest, depth)
        if word == "range":
            return self._range(rest, depth)
        if word in _SIMPLE:
            return Jump(word)
        if word in {"with", "define", "template", "block"}:
            raise Untranslatable(f"{word} is not known here")
        assigned = re.fullmatch(r"(\$\w+)\s*(:?=)\s*(.+)", action, re.DOTALL)
        if assigned:
            return Assign(assigned[1][1:], expression(assigned[3]), assigned[2] == ":=")
        return Emit(expression(action))

    def _branch(self, condition: str, depth: int) -> Branch:
        cases: list[tuple[Expression | None, Body]] = []
        wanted: Expression | None = expression(condition)
        while True:
            body, end = self.body(depth + 1)
            cases.append((wanted, body))
            if end == "end":
                return Branch(tuple(cases))
            if not end or wanted is None:
                raise Untranslatable("an if has no end")
            rest = end.removeprefix("else").strip()
            if rest and not re.match(r"if\b", rest):
                raise Untranslatable(f"{end[:60]!r} is not known here")
            wanted = expression(rest.removeprefix("if")) if rest else None

    def _range(self, text: str, depth: int) -> Range:
        match = re.fullmatch(
            r"(?:(?:\$(?P<first>\w+)\s*,\s*)?\$(?P<second>\w+)\s*:=\s*)?(?P<over>.+)",
            text,
            re.DOTALL,
        )
        if match is None:
            raise Untranslatable("a range names nothing")
        body, end = self.body(depth + 1)
        if end != "end":
            raise Untranslatable("a range has no end, or an else")
        return Range(match["first"] or "", match["second"] or "", expression(match["over"]), body)


def expression(text: str) -> Expression:
    """Return what a pipeline means; raise Untranslatable."""
    tokens = _Tokens(text)
    found = tokens.command(0)
    if not tokens.done:
        raise Untranslatable(f"{text[:60]!r} is not known here")
    return found


class _Tokens:
    """Reads one pipeline."""

    def __init__(self, text: str) -> None:
        self._items: list[tuple[str, str]] = []
        self._at = 0
        at, text = 0, text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise Untranslatable(f"{text[at : at + 30]!r} cannot be read")
            self._items.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()

    @property
    def done(self) -> bool:
        """Whether all of it is read."""
        return self._at == len(self._items)

    def command(self, depth: int) -> Expression:
        """Read a function with its arguments, or one operand."""
        if depth > _DEEPEST:
            raise Untranslatable("it is nested too deeply")
        kind, text = self._next()
        if kind != "word" or text in {"true", "false", "nil"}:
            return self._operand(kind, text, depth)
        arguments = []
        while not self.done and self._items[self._at][1] != ")":
            arguments.append(self._operand(*self._next(), depth))
        return Call(text, tuple(arguments))

    def _next(self) -> tuple[str, str]:
        if self.done:
            raise Untranslatable("an action holds nothing")
        self._at += 1
        return self._items[self._at - 1]

    def _operand(self, kind: str, text: str, depth: int) -> Expression:
        if text == "(":
            inner = self.command(depth + 1)
            if self.done or self._next()[1] != ")":
                raise Untranslatable("a parenthesis is not closed")
            return inner
        if kind == "field":
            root, *path = text.split(".")
            return Field(root or ".", tuple(path))
        if kind in {"variable", "dot"}:
            return Field(text, ())
        if kind in {"number", "string"} or text in {"true", "false", "nil"}:
            return Literal(_value(kind, text))
        raise Untranslatable(f"{text[:30]!r} is not known here")


def _value(kind: str, text: str) -> str | int | bool | None:
    if kind == "number":
        return int(text)
    if kind == "word":
        return {"true": True, "false": False}.get(text)
    if text.startswith("`"):
        return text[1:-1]
    try:
        value = ast.literal_eval(text)  # Go's escapes are Python's
    except (SyntaxError, ValueError) as error:
        raise Untranslatable(f"{text[:30]} cannot be read") from error
    return str(value)
