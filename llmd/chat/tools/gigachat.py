"""GigaChat 3.1: one `<|function_call|>{"name": ..., "arguments": {...}}` an answer."""

from __future__ import annotations

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.lark import Rules, Spelling
from llmd.chat.tools.offer import Offer

_OPEN = "<|function_call|>"


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        yield from json_call.calls(scan)

    yield from text_with_calls(scan, (_OPEN,), read)


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:  # noqa: ARG001  as GrammarOf
    """Return the grammar of one call."""
    rules = Rules(spelling)
    one = rules.either([json_call_rule(rules, tool) for tool in offer.tools])
    return rules.grammar(f"{rules.marker(_OPEN)} {one}")


FORMAT = CallFormat("gigachat", (_OPEN,), parse, grammar, triggers=(_OPEN,))
