"""Hermes, Qwen 2.5 and 3, Granite 4, and what llmd asks of models whose template has no tools:
`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, one pair of tags per call.
"""

from __future__ import annotations

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        yield from json_call.calls(scan)
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN,), read)


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of calls."""
    rules = Rules(spelling)
    options = [json_call_rule(rules, tool) for tool in offer.tools]
    inside = f'"\\n" {rules.either(options)} "\\n"'
    one = rules.add(f"{rules.marker(_OPEN)} {inside} {rules.marker(_CLOSE)}")
    return rules.grammar(calls(one, '"\\n"', parallel=parallel))


FORMAT = CallFormat("hermes", (_OPEN, _CLOSE), parse, grammar, triggers=(_OPEN,))
