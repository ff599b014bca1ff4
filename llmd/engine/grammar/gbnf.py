"""llama.cpp's GBNF to llguidance's Lark.

GBNF is one context-free grammar over characters; Lark has a lexer, whose terminals match as far as
they can. To keep the two alike, everything that is regular goes into the longest terminal possible:
a rule that reaches no recursion is a terminal, and so is every run of regular neighbours in other
rules. Where a greedy terminal still swallows what should follow it, an answer finds no way on;
nothing outside the grammar is ever let through. Format: llama.cpp, grammars/README.md.
"""

from __future__ import annotations

from collections import deque

from llmd.engine.grammar.gbnf_reader import (
    Alternatives,
    GbnfError,
    Node,
    Reference,
    Repetition,
    Run,
    Special,
    Text,
    read,
)

_MOST_RULES = 2000
_ROOT = "root"


def to_lark(text: str) -> str:
    """Return the grammar in Lark; raise GbnfError, which says what is wrong and where."""
    rules = read(text, _MOST_RULES)
    needed = {name: _references(body) for name, body in rules.items()}
    missing = {name for names in needed.values() for name in names} | {_ROOT}
    for name in sorted(missing - rules.keys()):
        raise GbnfError(f'there is no rule "{name}"')
    return _Writer(rules, _regular(rules, needed)).write()


class _Writer:
    """Writes rules in lower case and terminals in upper case, as Lark tells them apart."""

    def __init__(self, rules: dict[str, Node], regular: set[str]) -> None:
        self._rules = rules
        self._regular = regular
        self._names = {
            name: f"{'T' if name in regular else 'r'}{index}" for index, name in enumerate(rules)
        }
        self._terminals: dict[str, str] = {}

    def write(self) -> str:
        lines = [f"start: {self._names[_ROOT]}"]
        for name, body in self._rules.items():
            terminal = name in self._regular
            text = self._inside(body) if terminal else self._outside(body)
            lines.append(f"{self._names[name]}: {text}")
        lines += [f"{name}: {text}" for text, name in self._terminals.items()]
        return "\n".join(lines)

    def _is_regular(self, node: Node) -> bool:
        if isinstance(node, Reference):
            return node.name in self._regular
        return not isinstance(node, Special) and all(map(self._is_regular, _parts(node)))

    def _inside(self, node: Node) -> str:
        """Write a regular node as part of a terminal."""
        return self._write(node, [self._inside(part) for part in _parts(node)])

    def _outside(self, node: Node) -> str:
        """Write a node as part of a rule, its regular parts as terminals of their own."""
        if isinstance(node, Run):
            return self._write(node, self._grouped(node.items))
        if not isinstance(node, Reference) and self._is_regular(node):
            return self._terminal(node)
        return self._write(node, [self._outside(part) for part in _parts(node)])

    def _write(self, node: Node, parts: list[str]) -> str:
        if isinstance(node, Text | Special):
            return node.lark
        if isinstance(node, Reference):
            return self._names[node.name]
        if isinstance(node, Run):
            return " ".join(parts) or '""'
        if isinstance(node, Alternatives):
            return f"({' | '.join(parts)})"
        if node.high == 0:  # Lark knows no such bound
            return '""'
        high = "" if node.high is None else node.high
        return f"({parts[0]}){{{node.low},{high}}}"

    def _terminal(self, node: Node) -> str:
        """Return the name of the terminal that stands for a regular node."""
        return self._terminals.setdefault(self._inside(node), f"U{len(self._terminals)}")

    def _grouped(self, items: list[Node]) -> list[str]:
        """Write the items of a run, each stretch of regular ones as one terminal."""
        written: list[str] = []
        stretch: list[Node] = []
        for item in [*items, None]:
            if item is not None and self._is_regular(item):
                stretch.append(item)
                continue
            if stretch:
                written.append(self._terminal(Run(stretch)))
                stretch = []
            if item is not None:
                written.append(self._outside(item))
        return written


def _parts(node: Node) -> list[Node]:
    if isinstance(node, Run):
        return node.items
    if isinstance(node, Alternatives):
        return node.options
    return [node.item] if isinstance(node, Repetition) else []


def _references(body: Node) -> set[str]:
    """Return the names that a rule refers to."""
    found: set[str] = set()
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Reference):
            found.add(node.name)
        waiting += _parts(node)
    return found


def _has_special(body: Node) -> bool:
    return isinstance(body, Special) or any(map(_has_special, _parts(body)))


def _regular(rules: dict[str, Node], needed: dict[str, set[str]]) -> set[str]:
    """Return the rules that reach neither themselves nor a control token."""
    users: dict[str, list[str]] = {name: [] for name in rules}
    for name, names in needed.items():
        for other in names:
            users[other].append(name)
    open_references = {name: len(names) for name, names in needed.items()}
    ready = deque(name for name, count in open_references.items() if not count)
    regular: set[str] = set()
    while ready:
        name = ready.popleft()
        if _has_special(rules[name]):
            continue
        regular.add(name)
        for user in users[name]:
            open_references[user] -= 1
            if not open_references[user]:
                ready.append(user)
    return regular
