"""MiniMax-M3: sections of `<invoke name="NAME">` in which every argument is a tag of its own name,
objects and lists are tags in tags, and `]<]minimax[>[`, a token of its own, stands before each.

    ]<]minimax[>[<tool_call>
    ]<]minimax[>[<invoke name="NAME">]<]minimax[>[<KEY>]<]minimax[>[<item>VALUE]<]minimax[>[</item>
    ]<]minimax[>[</KEY>]<]minimax[>[</invoke>
    ]<]minimax[>[</tool_call>
"""

from __future__ import annotations

import json
import re

from llmd.chat.scanning import Malformed, Parsing, Scanner, insist
from llmd.chat.tools.invoke import Sections
from llmd.chat.tools.offer import ANY_TYPE, Kind, Tool
from llmd.chat.tools.tagged import Arguments, as_json, value
from llmd.chat.tools.tagged_grammar import TagStyle

_MARK = "]<]minimax[>["
_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_TAG, _TAG_END = f"{_MARK}<", f"{_MARK}</"
_INVOKE_END = f"{_MARK}</invoke>"
_ITEM = "item"
_NAME = re.compile(r"[^<>\n]*")
_LONGEST_NAME = 256
_DEEPEST = 64
_EMPTY = {frozenset({"array"}): "[]", frozenset({"object"}): "{}"}


def _arguments(scan: Scanner, arguments: Arguments, tool: Tool) -> Parsing[None]:
    while True:
        yield from scan.space()
        if (yield from scan.expect(_INVOKE_END, _TAG)) == _INVOKE_END:
            return
        name = yield from _name(scan)
        arguments.key(name)
        yield from _value(scan, tool, name, 0)


def _name(scan: Scanner) -> Parsing[str]:
    name = yield from scan.word(_NAME, _LONGEST_NAME)
    yield from scan.expect(">")
    return name


def _value(scan: Scanner, tool: Tool, name: str, depth: int) -> Parsing[None]:
    """Pass a value and its closing tag on as JSON. What may be text is never tags, unless the
    schema does not say what it is.
    """
    types = tool.types(name)
    if ("string" not in types or types == ANY_TYPE) and (yield from _nests(scan)):
        insist(depth < _DEEPEST)
        yield from _children(scan, tool, name, depth + 1)
        yield from scan.expect(f"{name}>")
        return
    closings = (f"{_TAG_END}{name}>",)
    if tool.kind(name) is Kind.TEXT:
        yield from value(scan, tool, name, closings)
        return
    pieces: list[str] = []
    found = yield from scan.through(closings, pieces.append)
    text = "".join(pieces)
    if found is None:
        scan.argue(text)
        raise Malformed
    empty = "" if text.strip() else _EMPTY.get(types, "")
    scan.argue(empty or as_json(text, types))


def _nests(scan: Scanner) -> Parsing[bool]:
    """Read the beginning of a tag, if that of a value inside stands here."""
    scan.mark()
    yield from scan.space()
    if (yield from scan.literal(_TAG_END, _TAG)) == _TAG:
        scan.forget()
        return True
    scan.back()
    return False


def _children(scan: Scanner, tool: Tool, name: str, depth: int) -> Parsing[None]:
    """Read tags inside of a value from behind the beginning of the first, up to behind the
    beginning of the tag that ends the value.
    """
    types = tool.types(name)
    child = yield from _name(scan)
    listed = child == _ITEM and ("array" in types or "object" not in types)
    inside = tool.items(name, _ITEM) if listed else tool.members(name)
    scan.argue("[" if listed else "{")
    while True:
        insist(not listed or child == _ITEM)
        scan.argue("" if listed else f"{json.dumps(child, ensure_ascii=False)}: ")
        yield from _value(scan, inside, child, depth)
        yield from scan.space()
        if (yield from scan.expect(_TAG_END, _TAG)) == _TAG_END:
            break
        scan.argue(", ")
        child = yield from _name(scan)
    scan.argue("]" if listed else "}")


_STYLE = TagStyle(
    f"{_TAG}{{name}}>", f"{_TAG_END}{{name}}>", tokens=(_MARK, _OPEN, _CLOSE), item=_ITEM
)
FORMAT = Sections(
    f"{_MARK}{_OPEN}",
    f"{_MARK}{_CLOSE}",
    f'{_TAG}invoke name="',
    _INVOKE_END,
    _STYLE,
    _arguments,
    line="",
).format("minimax_m3", _MARK)
