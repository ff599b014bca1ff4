"""Command R7B and A: `<|START_ACTION|>[{"tool_call_id": ..., "tool_name": ..., "parameters":
{...}}]<|END_ACTION|>`, and plain answers between response markers.
"""

from __future__ import annotations

import json

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_OPEN, _CLOSE = "<|START_ACTION|>", "<|END_ACTION|>"
_AROUND = ("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>")


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end. The model's own ids, which begin at 0 in every answer, are not
    kept.
    """

    def read(opening: str) -> Parsing[None]:
        if opening in _AROUND:
            return
        yield from scan.space()
        yield from json_call.calls(scan)
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN, *_AROUND), read)


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of a list of calls, on lines as the template prints them."""
    rules = Rules(spelling)
    options = []
    before = rules.text('    {"tool_call_id": "')
    head = rules.add(f"{before} /[0-9]{{1,3}}/")
    for tool in offer.tools:
        name = json.dumps(tool.name, ensure_ascii=False)
        middle = rules.text(f'", "tool_name": {name}, "parameters": ')
        options.append(rules.add(f'{head} {middle} {rules.arguments(tool)} "}}"'))
    every = calls(rules.either(options), rules.text(",\n"), parallel=parallel)
    return rules.grammar(f'{rules.marker(_OPEN)} "[\\n" {every} "\\n]" {rules.marker(_CLOSE)}')


FORMAT = CallFormat(
    "command_r",
    (_OPEN, _CLOSE, *_AROUND),
    parse,
    grammar,
    triggers=(_OPEN,),
    frames=True,
    answer=_AROUND[0],
)
