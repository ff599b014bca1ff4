"""Formats that are a JSON list of calls behind an opening of their own: Granite 3, Nemotron,
Apriel, FireFunction, and whatever else is known by its opening alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_RESPONSE = ("<response>", "</response>")


@dataclass(frozen=True, slots=True)
class _Brackets:
    opening: str
    closing: str

    def parse(self, scan: Scanner, _offer: Offer) -> Parsing[None]:
        """Read an answer to its end."""
        # Granite wraps its answer so once it has reasoned
        around = _RESPONSE if scan.reasoned else ()

        def read(opening: str) -> Parsing[None]:
            if opening in around:
                return
            yield from scan.space()
            yield from json_call.calls(scan)
            if self.closing:
                yield from scan.closing(self.closing)

        yield from text_with_calls(scan, (self.opening, *around), read)

    def grammar(self, offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
        """Return the grammar of a list of calls."""
        rules = Rules(spelling)
        one = rules.either([json_call_rule(rules, tool) for tool in offer.tools])
        every = calls(one, '", "', parallel=parallel)
        closing = rules.marker(self.closing) if self.closing else ""
        return rules.grammar(f'{rules.marker(self.opening)} "[" {every} "]" {closing}')

    def write(self, name: str, arguments: str) -> str:
        """Return a call's text."""
        head = json.dumps(name, ensure_ascii=False)
        inside = f'[{{"name": {head}, "arguments": {arguments}}}]'
        return f"{self.opening}{inside}{self.closing}"


def _format(name: str, opening: str, closing: str = "") -> CallFormat:
    brackets = _Brackets(opening, closing)
    return CallFormat(
        name,
        tuple(marker for marker in (opening, closing) if marker),
        brackets.parse,
        brackets.grammar,
        triggers=(opening,),
        write=brackets.write,
    )


GRANITE = _format("granite", "<|tool_call|>")
NEMOTRON = _format("nemotron", "<TOOLCALL>", "</TOOLCALL>")
APRIEL = _format("apriel", "<tool_calls>", "</tool_calls>")
FIREFUNCTION = _format("firefunction", "functools")
