"""Mistral: `[TOOL_CALLS]` before a JSON list of calls (up to 2024), or before each call as
`NAME[CALL_ID]ID[ARGS]{...}`, the id of which came and went.
"""

from __future__ import annotations

import re
from functools import partial

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_call, json_text
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_OPEN, _ID, _ARGUMENTS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"
_NAME = re.compile(r"[^\[\]{}\s\"]*")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]*")
_LONGEST_NAME = 256
_NEW_ID = "/[a-zA-Z0-9]{9}/"


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end; both ways of writing calls are understood."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        first = yield from scan.peek()
        if first and first in "[{":
            yield from json_call.calls(scan)
            return
        yield from _call(scan)

    yield from text_with_calls(scan, (_OPEN,), read)


def _call(scan: Scanner) -> Parsing[None]:
    name = yield from scan.word(_NAME, _LONGEST_NAME)
    call_id = ""
    if (yield from scan.literal(_ID)):
        call_id = yield from scan.word(_CALL_ID, _LONGEST_NAME)
    yield from scan.literal(_ARGUMENTS)
    yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    scan.begin(name, call_id)
    yield from json_text.value(scan, scan.argue)
    scan.complete += 1


def list_grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of a JSON list of calls; ids come last, as the templates print them."""
    rules = Rules(spelling)
    before, after = rules.text(', "id": "'), rules.text('"}')
    tail = f"{before} {_NEW_ID} {after}"
    options = []
    for tool in offer.tools:
        head = f'{{"name": {rules.text(tool.name)}, "arguments": '
        options.append(rules.add(f"{rules.text(head)} {rules.arguments(tool)} {tail}"))
    every = calls(rules.either(options), '", "', parallel=parallel)
    return rules.grammar(f'{rules.marker(_OPEN)} "[" {every} "]"')


def call_grammar(offer: Offer, spelling: Spelling, *, parallel: bool, ids: bool) -> str:
    """Return the grammar of single calls."""
    rules = Rules(spelling)
    middle = f"{rules.marker(_ID)} {_NEW_ID} " if ids else ""
    options = [
        rules.add(
            f"{rules.text(tool.name)} {middle}{rules.marker(_ARGUMENTS)} {rules.arguments(tool)}"
        )
        for tool in offer.tools
    ]
    one = rules.add(f"{rules.marker(_OPEN)} {rules.either(options)}")
    return rules.grammar(calls(one, "", parallel=parallel))


LIST = CallFormat("mistral_list", (_OPEN,), parse, list_grammar, triggers=(_OPEN,))
ARGUMENTS = CallFormat(
    "mistral", (_OPEN, _ARGUMENTS), parse, partial(call_grammar, ids=False), triggers=(_OPEN,)
)
IDS = CallFormat(
    "mistral_ids",
    (_OPEN, _ID, _ARGUMENTS),
    parse,
    partial(call_grammar, ids=True),
    triggers=(_OPEN,),
)
