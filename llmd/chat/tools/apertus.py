"""Apertus: `<|tools_prefix|>[{"NAME": {...}}, ...]<|tools_suffix|>`, a tool's name as the key of
its arguments. Calls may stand inside the reasoning, which they end.
"""

from __future__ import annotations

import json

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_call, json_text
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_OPEN, _CLOSE = "<|tools_prefix|>", "<|tools_suffix|>"
_LONGEST_NAME = 256
_FIELDS = frozenset({"arguments", "parameters", "function"})


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end; calls with `name` and `arguments` are understood too."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        listed = yield from scan.literal("[")
        while True:
            yield from scan.space()
            yield from _call(scan, offer)
            if not listed or not (yield from scan.closing(",")):
                break
        yield from scan.closing("]")
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN,), read)


def _call(scan: Scanner, offer: Offer) -> Parsing[None]:
    scan.mark()
    try:
        yield from scan.expect("{")
        yield from scan.space()
        name = yield from json_text.string(scan, _LONGEST_NAME)
        yield from scan.space()
        yield from scan.expect(":")
        yield from scan.space()
        keyed = (yield from scan.peek()) == "{" and (offer.has(name) or name not in _FIELDS)
    except Malformed:
        scan.back()
        raise
    if not keyed:
        scan.back()
        yield from json_call.call(scan)
        return
    scan.forget()
    scan.begin(name)
    yield from json_text.value(scan, scan.argue)
    yield from scan.closing("}")
    scan.complete += 1


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of a list of calls."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        head = rules.text(f"{{{json.dumps(tool.name, ensure_ascii=False)}: ")
        options.append(rules.add(f'{head} {rules.arguments(tool)} "}}"'))
    every = calls(rules.either(options), '", "', parallel=parallel)
    return rules.grammar(f'{rules.marker(_OPEN)} "[" {every} "]" {rules.marker(_CLOSE)}')


def write(name: str, arguments: str) -> str:
    """Return a call's text."""
    return f"{_OPEN}[{{{json.dumps(name, ensure_ascii=False)}: {arguments}}}]{_CLOSE}"


FORMAT = CallFormat(
    "apertus",
    (_OPEN, _CLOSE),
    parse,
    grammar,
    triggers=(_OPEN,),
    interrupts=(_OPEN,),
    write=write,
)
