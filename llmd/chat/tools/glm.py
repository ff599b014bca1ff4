"""GLM 4.5 to 4.7: `<tool_call>NAME`, then `<arg_key>` and `<arg_value>` in turn, up to
`</tool_call>`.
"""

from __future__ import annotations

import re

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer
from llmd.chat.tools.pairs import PairTags
from llmd.chat.tools.tagged_grammar import tagged_arguments

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_PAIRS = PairTags("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", _CLOSE)
_NAME = re.compile(r"[^<\n{]*")
_LONGEST_NAME = 256


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        if (yield from scan.peek()) == "{":
            # seen from quantised models: the JSON that other models write
            yield from json_call.calls(scan)
            yield from scan.closing(_CLOSE)
            return
        name = (yield from scan.word(_NAME, _LONGEST_NAME)).strip()
        yield from _PAIRS.parse(scan, offer.tool(name))
        scan.complete += 1

    yield from text_with_calls(scan, (_OPEN,), read)


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of calls."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        head = rules.text(f"{tool.name}\n")
        options.append(rules.add(f"{head} {tagged_arguments(rules, tool, _PAIRS.style)}"))
    one = rules.add(f"{rules.marker(_OPEN)} {rules.either(options)} {rules.marker(_CLOSE)}")
    return rules.grammar(calls(one, '"\\n"', parallel=parallel))


FORMAT = CallFormat(
    "glm",
    (_OPEN, _CLOSE, *_PAIRS.all),
    parse,
    grammar,
    triggers=(_OPEN,),
    interrupts=(_OPEN,),
)
