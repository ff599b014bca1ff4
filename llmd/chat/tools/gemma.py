"""Gemma 4: `<|tool_call>call:NAME{key:value,...}<tool_call|>`, texts between `<|"|>` and nothing
else quoted. Older Gemmas know no tools; llmd asks them for Hermes' way.
"""

from __future__ import annotations

import re

from llmd.chat.reasoning import GEMMA, thoughts
from llmd.chat.scanning import Malformed, Parsing, Scanner, Sink
from llmd.chat.tools import json_text
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.gemma_grammar import grammar
from llmd.chat.tools.json_text import escaped
from llmd.chat.tools.offer import Offer
from llmd.chat.tools.tagged import as_json

_OPEN, _CLOSE, _QUOTE = "<|tool_call>", "<tool_call|>", '<|"|>'
_CHANNEL, _THOUGHT = "<|channel>", "thought"
_NAME = re.compile(r"[^{}<\s]*")
_KEY = re.compile(r"[^:,{}<\s]*")
_WORD = re.compile(r"[^,}\]{\[<]*")
_LONGEST_NAME = 256
_LONGEST_WORD = 4096
_DEEPEST = 64


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(opening: str) -> Parsing[None]:
        if opening != _OPEN:
            yield from _channel(scan, opening)
            return
        yield from scan.space()
        yield from scan.expect("call:")
        name = yield from scan.word(_NAME, _LONGEST_NAME)
        if (yield from scan.peek()) != "{":
            raise Malformed
        scan.begin(name)
        yield from _value(scan, scan.argue, 0)
        yield from scan.closing(_CLOSE)
        scan.complete += 1

    yield from text_with_calls(scan, (_OPEN, _CHANNEL, GEMMA.closing), read)


def _channel(scan: Scanner, opening: str) -> Parsing[None]:
    """Read reasoning, which may stand anywhere; single marks mean nothing."""
    if opening == _CHANNEL and (yield from scan.literal(_THOUGHT)):
        scan.markup(GEMMA.opening)
        yield from thoughts(scan, (GEMMA.closing,))


def _value(scan: Scanner, sink: Sink, depth: int) -> Parsing[None]:
    """Pass a value on as JSON; raise Malformed."""
    if depth > _DEEPEST:
        raise Malformed
    yield from scan.space()
    if (yield from scan.literal(_QUOTE)):
        yield from _quoted(scan, sink)
        return
    first = yield from scan.peek()
    if first == "{":
        yield from _pairs(scan, sink, depth)
    elif first == "[":
        yield from _items(scan, sink, depth)
    elif first == '"':
        yield from json_text.pass_string(scan, sink)
    else:
        sink(as_json((yield from scan.word(_WORD, _LONGEST_WORD)).strip()))


def _quoted(scan: Scanner, sink: Sink) -> Parsing[None]:
    sink('"')
    if (yield from scan.through((_QUOTE,), lambda text: sink(escaped(text)))) is None:
        raise Malformed
    sink('"')


def _pairs(scan: Scanner, sink: Sink, depth: int) -> Parsing[None]:
    sink((yield from scan.take(1)))
    between = ""
    while not (yield from scan.closing("}")):
        yield from scan.space()
        sink(between)
        if (yield from scan.literal(_QUOTE)):
            yield from _quoted(scan, sink)
        elif (yield from scan.peek()) == '"':
            yield from json_text.pass_string(scan, sink)
        else:
            sink(f'"{escaped((yield from scan.word(_KEY, _LONGEST_NAME)))}"')
        yield from scan.space()
        sink((yield from scan.expect(":")) + " ")
        yield from _value(scan, sink, depth + 1)
        between = ", "
        if not (yield from scan.closing(",")):
            yield from scan.space()
            yield from scan.expect("}")
            break
    sink("}")


def _items(scan: Scanner, sink: Sink, depth: int) -> Parsing[None]:
    sink((yield from scan.take(1)))
    between = ""
    while not (yield from scan.closing("]")):
        sink(between)
        yield from _value(scan, sink, depth + 1)
        between = ", "
        if not (yield from scan.closing(",")):
            yield from scan.space()
            yield from scan.expect("]")
            break
    sink("]")


FORMAT = CallFormat(
    "gemma",
    (_OPEN, _CLOSE, _QUOTE, _CHANNEL, GEMMA.closing),
    parse,
    grammar,
    triggers=(_OPEN,),
    frames=True,
)
