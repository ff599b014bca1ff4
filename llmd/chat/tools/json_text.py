"""JSON values inside a text that is still being written, passed on as they come.

Models write JSON that is nearly right: raw line breaks inside strings are escaped on the way,
brackets are counted but not matched. Outside a string `<` ends it: that is where a marker begins.
"""

from __future__ import annotations

import json
import re

from llmd.chat.scanning import Malformed, Parsing, Scanner, Sink

_BARE = re.compile(r'[^"{}\[\]<]*')
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_SCALAR = re.compile(r"[^\s,\]}<\"{\[]*")
_LONGEST_SCALAR = 1024


def escaped(text: str) -> str:
    """Return text as the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def string(scan: Scanner, longest: int | None = None) -> Parsing[str]:
    """Read a JSON string and return what it says; raise Malformed, also when it is longer than
    `longest`.
    """
    pieces: list[str] = []
    length = 0

    def collect(text: str) -> None:
        nonlocal length
        length += len(text)
        if longest is not None and length > longest:
            raise Malformed
        pieces.append(text)

    yield from pass_string(scan, collect)
    try:
        said: str = json.loads("".join(pieces))
    except ValueError as error:
        raise Malformed from error
    return whole_characters(said)


def whole_characters(text: str) -> str:
    """Return text without halves of surrogate pairs, which UTF-8 cannot carry."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pass_string(scan: Scanner, sink: Sink) -> Parsing[None]:
    """Pass a JSON string on, quotes included; raise Malformed when it does not end."""
    sink((yield from scan.expect('"')))
    while True:
        yield from scan.run(_PLAIN, sink)
        character = yield from scan.take(1)
        if character == '"':
            sink(character)
            return
        if character == "\\":
            sink(character + (yield from scan.take(1)))
        elif character:
            sink(escaped(character))
        else:
            raise Malformed


def value(scan: Scanner, sink: Sink) -> Parsing[None]:
    """Pass a JSON value on; raise Malformed when none stands here, or when it does not end."""
    first = yield from scan.peek()
    if first == '"':
        yield from pass_string(scan, sink)
    elif first and first in "{[":
        yield from _container(scan, sink)
    else:
        sink((yield from scan.word(_SCALAR, _LONGEST_SCALAR)))


def _container(scan: Scanner, sink: Sink) -> Parsing[None]:
    depth = 0
    while True:
        yield from scan.run(_BARE, sink)
        first = yield from scan.peek()
        if first == '"':
            yield from pass_string(scan, sink)
            continue
        if first in {"", "<"}:
            raise Malformed
        sink((yield from scan.take(1)))
        depth += 1 if first in "{[" else -1
        if depth == 0:
            return
