r"""Writes Jinja that renders what Ollama renders from a template in Go.

Ollama fills a template in one of two ways (template/template.go): one that names `.Messages` once,
with all of them, those of one role in a row joined; any other once for each question and answer,
the last time without what stands behind `.Response`. All output of the Jinja stands inside
expressions, so that its layout means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmd.chat.go_templates.syntax import (
    Assign,
    Body,
    Branch,
    Call,
    Emit,
    Expression,
    Field,
    Jump,
    Literal,
    Node,
    Range,
    Text,
    Untranslatable,
    parse,
)

_JOINED = (
    "{% set go = namespace(messages=[], system='', prompt='', response='') %}"
    "{% for m in messages %}"
    "{% set text = m.content or '' %}"
    "{% if m.role == 'system' %}"
    "{% set go.system = go.system + ('\\n\\n' if go.system else '') + text %}{% endif %}"
    "{% if go.messages and go.messages[-1].role == m.role and m.role != 'tool' %}"
    "{% set go.messages = go.messages[:-1] + "
    "[{'role': m.role, 'content': go.messages[-1].content + '\\n\\n' + text}] %}"
    "{% else %}"
    "{% set go.messages = go.messages + [{'role': m.role, 'content': text}] %}"
    "{% endif %}{% endfor %}"
)
_TURN = (
    "{{ turn(go.system, go.prompt, go.response) }}"
    "{% set go.system = '' %}{% set go.prompt = '' %}{% set go.response = '' %}"
)
_TURNS = (
    "{% set go.system = '' %}"
    "{% for m in go.messages %}"
    "{% if m.role == 'system' %}"
    f"{{% if go.prompt or go.response %}}{_TURN}{{% endif %}}{{% set go.system = m.content %}}"
    "{% elif m.role == 'user' %}"
    f"{{% if go.response %}}{_TURN}{{% endif %}}{{% set go.prompt = m.content %}}"
    "{% elif m.role == 'assistant' %}{% set go.response = m.content %}"
    "{% endif %}{% endfor %}"
    "{{ last(go.system, go.prompt, go.response) }}"
)
_ABSENT = frozenset(
    {
        *("Tools", "Think", "ThinkLevel", "IsThinkSet"),
        *("ToolCalls", "Thinking", "Images", "ToolName", "ToolCallID"),
    }
)
_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ITEM = {"Role": "m.role", "Content": "m.content"}
_MACRO = "{{% macro {name}(system, prompt, response) %}}{body}{{% endmacro %}}"


@dataclass(frozen=True, slots=True)
class Translated:
    """A template in Jinja."""

    source: str
    whole: bool
    """Whether it says all that the original said; else tools, thinking or pictures are left out."""


@dataclass(frozen=True, slots=True)
class _Code:
    """An expression in Jinja, and whether it is known to be true or false."""

    text: str
    truth: bool | None = None


_FALSE = _Code("''", truth=False)


def translate(source: str) -> Translated:
    """Return a Go template as Jinja; raise Untranslatable with line and reason."""
    body = parse(source)
    names = set(_names(body))
    if "Messages" in names:
        writer = _Writer({"System": "go.system"})
        return Translated(_JOINED + writer.body(body), writer.whole)
    if "Prompt" not in names:
        raise Untranslatable("it names neither .Messages nor .Prompt")
    if "Response" not in names:
        body = (*body, Emit(Field(".", ("Response",))))
    turn, last = (
        _Writer({"System": "system", "Prompt": "prompt", "Response": "response"}) for _ in range(2)
    )
    macros = _MACRO.format(name="turn", body=turn.body(body)) + _MACRO.format(
        name="last", body=last.body(_until_response(body)[0])
    )
    return Translated(_JOINED + macros + _TURNS, turn.whole)


class _Writer:
    """Writes one tree; remembers whether it left anything out."""

    def __init__(self, root: dict[str, str]) -> None:
        self.whole = True
        self._root = root
        self._inside: Range | None = None
        self._variables: set[str] = set()

    def body(self, body: Body) -> str:
        """Return the Jinja of several nodes."""
        known = set(self._variables)
        written = "".join(self._node(node) for node in body)
        self._variables = known
        return written

    def _node(self, node: Node) -> str:
        match node:
            case Text(text):
                return f"{{{{ {_quoted(text)} }}}}"
            case Emit(value):
                code = self._code(value)
                return "" if code.truth is False else f"{{{{ {code.text} }}}}"
            case Assign(name, value, declares):
                return self._assign(name, value, declares=declares)
            case Jump(word):
                if self._inside is None:
                    raise Untranslatable(f"{word} stands outside of a range")
                return f"{{% {word} %}}"
            case Branch(cases):
                return self._branch(cases)
            case Range():
                return self._range(node)

    def _assign(self, name: str, value: Expression, *, declares: bool) -> str:
        code = self._code(value)
        if declares == (name in self._variables):
            what = "declared twice" if declares else "not declared"
            raise Untranslatable(f"${name} is {what}")
        self._variables.add(name)
        return f"{{% set go.v_{name} = {code.text} %}}"

    def _branch(self, cases: tuple[tuple[Expression | None, Body], ...]) -> str:
        written: list[str] = []
        for condition, body in cases:
            code = _Code("true", truth=True) if condition is None else self._code(condition)
            if code.truth is False:
                continue
            if code.truth is True:
                if not written:
                    return self.body(body)
                return f"{''.join(written)}{{% else %}}{self.body(body)}{{% endif %}}"
            word = "elif" if written else "if"
            written.append(f"{{% {word} {code.text} %}}{self.body(body)}")
        return f"{''.join(written)}{{% endif %}}" if written else ""

    def _range(self, node: Range) -> str:
        over = self._code(node.over)
        if over.truth is False:
            return ""
        if over.text != "go.messages" or self._inside is not None:
            raise Untranslatable("a range goes over something else than .Messages")
        self._inside = node
        body = self.body(node.body)
        self._inside = None
        return f"{{% for m in go.messages %}}{body}{{% endfor %}}"

    def _code(self, value: Expression) -> _Code:
        match value:
            case Literal(str(text)):
                return _Code(_quoted(text), bool(text))
            case Literal(None):
                return _FALSE
            case Literal(bool(truth)):
                return _Code("true" if truth else "false", truth)
            case Literal(number):
                return _Code(str(number), bool(number))
            case Field(root, path):
                return self._field(root, path)
            case Call(name, arguments):
                return self._call(name, [self._code(argument) for argument in arguments])

    def _field(self, root: str, path: tuple[str, ...]) -> _Code:
        inside = self._inside
        if inside and inside.index and root == f"${inside.index}" and not path:
            return _Code("loop.index0")
        if root not in {".", "$"} and not (inside and root == f"${inside.item}"):
            if root[1:] not in self._variables or path:
                raise Untranslatable(f"{'.'.join((root, *path))} is not known here")
            return _Code(f"go.v_{root[1:]}")
        if path and path[0] in _ABSENT:
            self.whole = False
            return _FALSE
        if path and path[0] == "Suffix":
            return _FALSE  # nothing stands behind the answer to a conversation
        known = _ITEM if inside and root != "$" else self._root
        if len(path) == 1 and path[0] in known:
            return _Code(known[path[0]])
        if path == ("Messages",) and known is self._root:
            return _Code("go.messages", truth=True)
        if path in {("Prompt",), ("Response",)} and known is self._root:
            return _FALSE  # these are set only where .Messages is not
        raise Untranslatable(f"{root.rstrip('.')}.{'.'.join(path)} is not known here")

    def _call(self, name: str, given: list[_Code]) -> _Code:
        texts = [code.text for code in given]
        match name, texts:
            case (("and" | "or"), [_, *_]):
                return _joined(name, given)
            case "not", [text]:
                truth = given[0].truth
                return _Code(f"(not {text})", None if truth is None else not truth)
            case "eq", [first, *others] if others:
                if any(code is _FALSE for code in given):
                    return _Code("false", truth=False)
                return _Code(f"({' or '.join(f'{first} == {other}' for other in others)})")
            case _, [left, right] if name in _OPERATORS:
                return _Code(f"({left} {_OPERATORS[name]} {right})")
        return _of_lists(name, given)


def _of_lists(name: str, given: list[_Code]) -> _Code:
    match name, [code.text for code in given]:
        case "len", [text]:
            return _Code(f"({text}|length)")
        case "slice", [text, start]:
            return _Code(f"{text}[{start}:]")
        case "slice", [text, start, end]:
            return _Code(f"{text}[{start}:{end}]")
        case "printf", [_, *rest]:
            return _formatted(given[0], rest)
    raise Untranslatable(f"the function {name} is not known here, or not with these arguments")


def _joined(word: str, given: list[_Code]) -> _Code:
    decides = word == "or"
    if any(code.truth is decides for code in given):
        return _Code(str(decides).lower(), truth=decides)
    open_ones = [code.text for code in given if code.truth is None]
    if not open_ones:
        return _Code(str(not decides).lower(), truth=not decides)
    return _Code(f"({f' {word} '.join(open_ones)})")


def _formatted(style: _Code, rest: list[str]) -> _Code:
    """Return `printf` of texts alone, as a sum of them."""
    if not style.text.startswith("'"):
        raise Untranslatable("printf has no fixed format")
    pieces = style.text[1:-1].split("%s")
    if len(pieces) != len(rest) + 1 or any("%" in piece for piece in pieces):
        raise Untranslatable("printf is known with %s alone")
    parts = [f"'{pieces[0]}'"]
    for text, piece in zip(rest, pieces[1:], strict=True):
        parts += [text, f"'{piece}'"]
    return _Code(f"({' + '.join(part for part in parts if part != repr(''))})")


def _until_response(body: Body) -> tuple[Body, bool]:
    """Return what stands before `.Response`, it included, and whether it was there."""
    kept: list[Node] = []
    for node in body:
        if isinstance(node, Branch):
            cases: list[tuple[Expression | None, Body]] = []
            cut = False
            for condition, inner in node.cases:
                before, cut_here = ((), True) if cut else _until_response(inner)
                cut = cut or cut_here
                cases.append((condition, before))
            kept.append(Branch(tuple(cases)))
        else:
            kept.append(node)
            cut = isinstance(node, Emit) and "Response" in set(_of(node.value))
        if cut:
            return tuple(kept), True
    return tuple(kept), False


def _names(body: Body) -> Iterator[str]:
    """Yield the names of all fields."""
    for node in body:
        match node:
            case Emit(value) | Assign(_, value, _):
                yield from _of(value)
            case Branch(cases):
                for condition, inner in cases:
                    yield from _of(condition) if condition else ()
                    yield from _names(inner)
            case Range(_, _, over, inner):
                yield from _of(over)
                yield from _names(inner)
            case _:
                continue


def _of(value: Expression) -> Iterator[str]:
    if isinstance(value, Field):
        yield from value.path
    elif isinstance(value, Call):
        for argument in value.arguments:
            yield from _of(argument)


def _quoted(text: str) -> str:
    """Return a text as Jinja writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r") + "'"
