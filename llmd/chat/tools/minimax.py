"""MiniMax. M2: `<invoke name="NAME">` with `<parameter name="KEY">` inside, any number of them
between one pair of `<minimax:tool_call>` tags. M1: one JSON object a line between `<tool_calls>`
tags.
"""

from __future__ import annotations

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.invoke import parameter_sections
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_OPEN, _CLOSE = "<tool_calls>", "</tool_calls>"


def parse_lines(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer of M1 to its end."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        yield from json_call.calls(scan)
        while (yield from scan.closing("{")):
            scan.unread("{")
            yield from json_call.call(scan)
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN,), read)


def line_grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of M1's calls."""
    rules = Rules(spelling)
    one = rules.either([json_call_rule(rules, tool) for tool in offer.tools])
    every = calls(one, '"\\n"', parallel=parallel)
    return rules.grammar(f'{rules.marker(_OPEN)} "\\n" {every} "\\n" {rules.marker(_CLOSE)}')


M2 = parameter_sections("minimax:tool_call").format("minimax")
M1 = CallFormat("minimax_m1", (_OPEN, _CLOSE), parse_lines, line_grammar, triggers=(_OPEN,))
