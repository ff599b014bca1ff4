"""Tencent Hy3: any number of calls between `<tool_calls>` tags, each as `<tool_call>NAME<tool_sep>`
and then `<arg_key>` and `<arg_value>` in turn, a pair a line. The names of all tags, those of
reasoning too, end in `:opensource`.
"""

from __future__ import annotations

import re
from functools import partial

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, between_tags, values_of
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer
from llmd.chat.tools.pairs import PairTags
from llmd.chat.tools.tagged_grammar import tagged_arguments

_SECTION, _SECTION_END = "<tool_calls:opensource>", "</tool_calls:opensource>"
_CALL, _CALL_END = "<tool_call:opensource>", "</tool_call:opensource>"
_SEPARATOR = "<tool_sep:opensource>"
_PAIRS = PairTags(
    "<arg_key:opensource>",
    "</arg_key:opensource>",
    "<arg_value:opensource>",
    "</arg_value:opensource>",
    _CALL_END,
)
_MARKERS = (_SECTION, _SECTION_END, _CALL, _CALL_END, _SEPARATOR, *_PAIRS.all)
_NAME = re.compile(r"[^<\n]*")
_LONGEST_NAME = 256


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end; the section's tags may be missing."""

    def read(opening: str) -> Parsing[None]:
        if opening == _SECTION:
            yield from scan.space()
            yield from scan.expect(_CALL)
        yield from _call(scan, offer)
        while (yield from scan.closing(_CALL)):
            yield from _call(scan, offer)
        yield from scan.closing(_SECTION_END)

    yield from text_with_calls(scan, (_SECTION, _CALL), read)


def _call(scan: Scanner, offer: Offer) -> Parsing[None]:
    yield from scan.space()
    name = (yield from scan.word(_NAME, _LONGEST_NAME)).strip()
    yield from scan.space()
    yield from scan.expect(_SEPARATOR)
    yield from _PAIRS.parse(scan, offer.tool(name))
    scan.complete += 1


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool, forgotten: bool = False) -> str:
    """Return the grammar of a section of calls; `forgotten`: its beginning may be missing."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        head = rules.spelled(f"{_CALL}{tool.name}{_SEPARATOR}\n", (_CALL, _SEPARATOR))
        arguments = tagged_arguments(rules, tool, _PAIRS.style)
        options.append(rules.add(f"{head} {arguments} {rules.marker(_CALL_END)}"))
    section = f'({rules.marker(_SECTION)} "\\n")' + ("?" if forgotten else "")
    every = calls(rules.either(options), '"\\n"', parallel=parallel)
    return rules.grammar(f'{section} {every} "\\n" {rules.marker(_SECTION_END)}')


def write(name: str, arguments: str) -> str:
    """Return a call's text."""
    inside = "".join(
        f"{_PAIRS.key}{key}{_PAIRS.key_end}\n{_PAIRS.value}{between_tags(value)}{_PAIRS.value_end}\n"
        for key, value in values_of(arguments).items()
    )
    return f"{_SECTION}\n{_CALL}{name}{_SEPARATOR}\n{inside}{_CALL_END}\n{_SECTION_END}"


FORMAT = CallFormat(
    "hunyuan",
    _MARKERS,
    parse,
    grammar,
    triggers=(_SECTION, _CALL),
    triggered=partial(grammar, forgotten=True),
    interrupts=(_SECTION, _CALL),
    write=write,
)
