"""For templates that llmd does not know: calls as bare or fenced JSON that names an offered tool,
or between the tags that most models know.
"""

from __future__ import annotations

from functools import partial

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.llama import bare_calls, free_grammar
from llmd.chat.tools.offer import Offer

_CLOSINGS = {
    "<tool_call>": "</tool_call>",
    "```json": "```",
    "```tool_call": "```",
    "```tool_code": "```",
}


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(opening: str) -> Parsing[None]:
        yield from scan.space()
        yield from json_call.calls(scan, offer.has)
        yield from scan.closing(_CLOSINGS[opening])

    yield from bare_calls(scan, offer)
    yield from text_with_calls(scan, tuple(_CLOSINGS), read)


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool, space: str = " ") -> str:
    """Return the grammar of objects on lines of their own."""
    rules = Rules(spelling)
    one = rules.either([json_call_rule(rules, tool, space=space) for tool in offer.tools])
    return rules.grammar(calls(one, '"\\n"', parallel=parallel))


FORMAT = CallFormat(
    "generic",
    tuple(_CLOSINGS),
    parse,
    grammar,
    triggers=tuple(_CLOSINGS),
    triggered=partial(free_grammar, around=_CLOSINGS),
    bare=True,
    beside=partial(grammar, space=""),
)
