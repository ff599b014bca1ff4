"""Calls as Python writes them, `name(key=value, ...)`, their literals turned into JSON on the way.
JSON's own words and quotes are understood too.
"""

from __future__ import annotations

import json
import re

from llmd.chat.scanning import Malformed, Parsing, Scanner, Sink, insist
from llmd.chat.tools.json_call import Accepts, any_name
from llmd.chat.tools.json_text import escaped
from llmd.chat.tools.offer import Tool
from llmd.chat.tools.tagged import Arguments, is_json

DEEPEST = 64
"""Lists in lists that are read; deeper ones are refused."""

_NAME = re.compile(r"[\w.:/-]*")
_KEY = re.compile(r"\w*")
_WORD = re.compile(r"[^\s,\]})\"'(\[{=<]*")
_BARE_KEY = re.compile(r"[^\s:,\]})\"'(\[{=<]*")
_LONGEST_NAME = 256
_LONGEST_WORD = 1024
_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": "", "0": "\0", "a": "\a"}
_SURROGATES = range(0xD800, 0xE000)
_HEX = {"x": 2, "u": 4, "U": 8}
_PLAIN = {quote: re.compile(rf"[^\\{quote}]*") for quote in "\"'"}


def call(scan: Scanner, accepts: Accepts = any_name, suffix: str = "") -> Parsing[None]:
    """Read one call, whose name may have a `suffix`; raise Malformed, at its first character if
    it was not given away.
    """
    scan.mark()
    arguments: Arguments | None = None
    try:
        name = (yield from scan.word(_NAME, _LONGEST_NAME)).removesuffix(suffix)
        insist(accepts(name))
        arguments = Arguments(scan, Tool(name, {}))
        yield from scan.expect("(")
        yield from _arguments(scan, arguments)
    except Malformed:
        if arguments and arguments.begun:
            scan.forget()
        else:
            scan.back()
        raise
    scan.forget()
    arguments.close()
    scan.complete += 1


def _arguments(scan: Scanner, arguments: Arguments) -> Parsing[None]:
    while not (yield from scan.closing(")")):
        yield from scan.space()
        key = yield from scan.word(_KEY, _LONGEST_NAME)
        yield from scan.space()
        yield from scan.expect("=")
        yield from scan.space()
        arguments.key(key)
        yield from literal(scan, scan.argue)
        if not (yield from scan.closing(",")) and (yield from scan.peek()) not in {")", " ", "\n"}:
            raise Malformed


def literal(scan: Scanner, sink: Sink, depth: int = 0) -> Parsing[None]:
    """Pass a literal on as JSON; raise Malformed."""
    first = yield from scan.peek()
    if not first or depth > DEEPEST:
        raise Malformed
    if first in "\"'":
        yield from _string(scan, sink)
    elif first in "[(":
        yield from _items(scan, sink, depth)
    elif first == "{":
        yield from _pairs(scan, sink, depth)
    else:
        word = yield from scan.word(_WORD, _LONGEST_WORD)
        word = _WORDS.get(word, word)
        sink(word if is_json(word) else json.dumps(word, ensure_ascii=False))


def _items(scan: Scanner, sink: Sink, depth: int) -> Parsing[None]:
    end = "]" if (yield from scan.take(1)) == "[" else ")"
    sink("[")
    between = ""
    while not (yield from scan.closing(end)):
        yield from scan.space()
        sink(between)
        yield from literal(scan, sink, depth + 1)
        between = ", "
        if not (yield from scan.closing(",")):
            yield from scan.space()
            yield from scan.expect(end)
            break
    sink("]")


def _pairs(scan: Scanner, sink: Sink, depth: int) -> Parsing[None]:
    sink((yield from scan.take(1)))
    between = ""
    while not (yield from scan.closing("}")):
        yield from scan.space()
        sink(between)
        yield from _key(scan, sink)
        yield from scan.space()
        sink((yield from scan.expect(":")) + " ")
        yield from scan.space()
        yield from literal(scan, sink, depth + 1)
        between = ", "
        if not (yield from scan.closing(",")):
            yield from scan.space()
            yield from scan.expect("}")
            break
    sink("}")


def _key(scan: Scanner, sink: Sink) -> Parsing[None]:
    if (yield from scan.peek()) in {'"', "'"}:
        yield from _string(scan, sink)
    else:
        sink(json.dumps((yield from scan.word(_BARE_KEY, _LONGEST_WORD)), ensure_ascii=False))


def _string(scan: Scanner, sink: Sink) -> Parsing[None]:
    quote = yield from scan.take(1)
    sink('"')
    while True:
        yield from scan.run(_PLAIN[quote], lambda text: sink(escaped(text)))
        character = yield from scan.take(1)
        if character == quote:
            sink('"')
            return
        if not character:
            raise Malformed
        sink((yield from _escape(scan)))


def _escape(scan: Scanner) -> Parsing[str]:
    """Read what stands behind a backslash and return it as inside of a JSON string; what Python
    does not know keeps its backslash.
    """
    letter = yield from scan.take(1)
    if letter in _HEX:
        digits = yield from scan.take(_HEX[letter])
        try:
            code = int(digits, 16)
            # JSON too writes halves of surrogate pairs with escapes
            return f"\\u{code:04x}" if code in _SURROGATES else escaped(chr(code))
        except (ValueError, OverflowError):
            return escaped(f"\\{letter}{digits}")
    if letter in {"\\", "'", '"', "/"}:
        return escaped(letter)
    return escaped(_ESCAPES.get(letter, f"\\{letter}"))
