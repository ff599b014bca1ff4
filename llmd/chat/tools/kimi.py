"""Kimi K2: calls in a section of their own, each with an id that holds the tool's name,
`functions.NAME:NUMBER`.
"""

from __future__ import annotations

import re
from functools import partial

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_text
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_SECTION, _SECTION_END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
_CALL, _CALL_END = "<|tool_call_begin|>", "<|tool_call_end|>"
_ARGUMENTS = "<|tool_call_argument_begin|>"
_IDENTITY = re.compile(r"[^<\s]*")
_LONGEST_IDENTITY = 256
_PREFIX = "functions."


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end; the section's markers are sometimes forgotten."""

    def read(opening: str) -> Parsing[None]:
        if opening == _SECTION:
            yield from scan.space()
            yield from scan.expect(_CALL)
        yield from _call(scan)
        while (yield from scan.closing(_CALL)):
            yield from _call(scan)
        yield from scan.closing(_SECTION_END)

    yield from text_with_calls(scan, (_SECTION, _CALL), read)


def _call(scan: Scanner) -> Parsing[None]:
    yield from scan.space()
    identity = yield from scan.word(_IDENTITY, _LONGEST_IDENTITY)
    yield from scan.space()
    yield from scan.expect(_ARGUMENTS)
    yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    name, _, number = identity.rpartition(":")
    if not number.isdigit():
        name = identity
    # the id is kept: templates of this family print it into the history as it is
    scan.begin(name.removeprefix(_PREFIX), identity)
    yield from json_text.value(scan, scan.argue)
    yield from scan.closing(_CALL_END)
    scan.complete += 1


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool, forgotten: bool = False) -> str:
    """Return the grammar of a section of calls; `forgotten`: its beginning may be missing."""
    rules = Rules(spelling)
    options = [
        rules.add(
            f"{rules.text(f'{_PREFIX}{tool.name}:')} /[0-9]{{1,3}}/ {rules.marker(_ARGUMENTS)}"
            f" {rules.arguments(tool)}"
        )
        for tool in offer.tools
    ]
    one = rules.add(f"{rules.marker(_CALL)} {rules.either(options)} {rules.marker(_CALL_END)}")
    every = calls(one, "", parallel=parallel)
    section = rules.marker(_SECTION) + ("?" if forgotten else "")
    return rules.grammar(f"{section} {every} {rules.marker(_SECTION_END)}")


FORMAT = CallFormat(
    "kimi",
    (_SECTION, _SECTION_END, _CALL, _CALL_END, _ARGUMENTS),
    parse,
    grammar,
    triggers=(_SECTION, _CALL),
    triggered=partial(grammar, forgotten=True),
    interrupts=(_SECTION, _CALL),
)
