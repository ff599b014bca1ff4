"""Calls that are JSON objects of a name and arguments, in any order and under the usual keys.

A call is given away as soon as its name is known and its arguments begin; until then it can still
turn out to be plain text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llmd.chat.scanning import Malformed, Parsing, Scanner, insist
from llmd.chat.tools import json_text

Accepts = Callable[[str], bool]
"""Whether there is a tool of that name."""

_NAMES = frozenset({"name", "tool_name"})
_NESTED = "function"
_ARGUMENTS = frozenset({"arguments", "parameters", "args"})
_LONGEST_NAME = 256


@dataclass(slots=True)
class _Call:
    name: str = ""
    held: list[str] = field(default_factory=list)
    """Arguments that came before the name."""
    begun: bool = False
    nested: bool = False
    """Whether name and arguments stand in an object of their own inside the call."""


def any_name(name: str) -> bool:
    """Accept every name: the markers around the call say what it is."""
    return bool(name)


def calls(scan: Scanner, accepts: Accepts = any_name) -> Parsing[None]:
    """Read one call, or a list of them; raise Malformed."""
    if not (yield from scan.literal("[")):
        yield from call(scan, accepts)
        return
    while True:
        yield from scan.space()
        yield from call(scan, accepts)
        if (yield from scan.closing(",")):
            continue
        # a list that breaks off has given its calls away already
        yield from scan.closing("]")
        return


def call(scan: Scanner, accepts: Accepts = any_name) -> Parsing[None]:
    """Read one call; raise Malformed, at its first character if it was not given away."""
    found = _Call()
    scan.mark()
    try:
        yield from scan.expect("{")
        yield from _fields(scan, found, accepts)
        insist(found.name)
    except Malformed:
        if found.begun:
            scan.forget()
        else:
            scan.back()
        raise
    scan.forget()
    if not found.begun:
        scan.begin(found.name)
        scan.argue("".join(found.held) or "{}")
    scan.complete += 1


def _fields(scan: Scanner, found: _Call, accepts: Accepts) -> Parsing[None]:
    while not (yield from scan.closing("}")):
        yield from scan.space()
        key = yield from json_text.string(scan, _LONGEST_NAME)
        yield from scan.space()
        yield from scan.expect(":")
        yield from scan.space()
        yield from _field(scan, key, found, accepts)
        if (yield from scan.closing(",")):
            continue
        if not (yield from scan.closing("}")) and not found.begun:
            raise Malformed
        return


def _field(scan: Scanner, key: str, found: _Call, accepts: Accepts) -> Parsing[None]:
    nested = key == _NESTED and (yield from scan.peek()) == "{"
    if nested and not found.nested:
        found.nested = True
        yield from scan.expect("{")
        yield from _fields(scan, found, accepts)
    elif key in _NAMES or key == _NESTED:
        found.name = yield from json_text.string(scan, _LONGEST_NAME)
        if not accepts(found.name):
            raise Malformed
    elif key in _ARGUMENTS and not found.begun:
        yield from _arguments(scan, found)
    else:
        yield from json_text.value(scan, lambda _: None)


def _arguments(scan: Scanner, found: _Call) -> Parsing[None]:
    first = yield from scan.peek()
    if first == "{" and found.name:
        scan.begin(found.name)
        found.begun = True
        yield from json_text.value(scan, scan.argue)
    elif first == '"':
        # some models write the arguments as JSON inside a JSON string
        found.held = [(yield from json_text.string(scan))]
    else:
        found.held = []
        yield from json_text.value(scan, found.held.append)
        if found.held == ["null"]:
            found.held = []
