"""DeepSeek: calls in a section of their own, each between control tokens. R1 and V3 put the
arguments into a fenced block behind the name, V3.1 writes them as they are.
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

_SECTION, _SECTION_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_CALL, _CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"
_SEPARATOR = "<｜tool▁sep｜>"
_MARKERS = (_SECTION, _SECTION_END, _CALL, _CALL_END, _SEPARATOR)
_FENCE, _FENCE_END = "```json", "```"
_NAME = re.compile(r"[^<\s`]*")
_LONGEST_NAME = 256


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end; both ways of writing calls are understood."""

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
    name = yield from scan.word(_NAME, _LONGEST_NAME)
    yield from scan.expect(_SEPARATOR)
    fenced = False
    if (yield from scan.peek()) != "{":
        # before the separator stood the kind of call: "function"
        name = yield from scan.word(_NAME, _LONGEST_NAME)
        yield from scan.space()
        fenced = bool((yield from scan.literal(_FENCE)))
        yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    scan.begin(name)
    yield from json_text.value(scan, scan.argue)
    if fenced:
        yield from scan.closing(_FENCE_END)
    yield from scan.closing(_CALL_END)
    scan.complete += 1


def grammar(
    offer: Offer, spelling: Spelling, *, parallel: bool, fenced: bool, forgotten: bool = False
) -> str:
    """Return the grammar of a section of calls; `forgotten`: its beginning may be missing."""
    rules = Rules(spelling)
    separator = rules.marker(_SEPARATOR)
    fence_end = rules.text(f"\n{_FENCE_END}")
    options = []
    for tool in offer.tools:
        arguments = rules.arguments(tool)
        if fenced:
            head = rules.text(f"{tool.name}\n{_FENCE}\n")
            options.append(rules.add(f'"function" {separator} {head} {arguments} {fence_end}'))
        else:
            options.append(rules.add(f"{rules.text(tool.name)} {separator} {arguments}"))
    one = rules.add(f"{rules.marker(_CALL)} {rules.either(options)} {rules.marker(_CALL_END)}")
    every = calls(one, '"\\n"' if fenced else "", parallel=parallel)
    section = rules.marker(_SECTION) + ("?" if forgotten else "")
    return rules.grammar(f"{section} {every} {rules.marker(_SECTION_END)}")


def write(name: str, arguments: str, *, fenced: bool) -> str:
    """Return a call's text; the templates have no words for tools."""
    bare = f"{name}{_SEPARATOR}{arguments}"
    block = f"function{_SEPARATOR}{name}\n{_FENCE}\n{arguments}\n{_FENCE_END}"
    return f"{_SECTION}{_CALL}{block if fenced else bare}{_CALL_END}{_SECTION_END}"


def _format(name: str, *, fenced: bool) -> CallFormat:
    return CallFormat(
        name,
        _MARKERS,
        parse,
        partial(grammar, fenced=fenced),
        triggers=(_SECTION, _CALL),
        triggered=partial(grammar, fenced=fenced, forgotten=True),
        write=partial(write, fenced=fenced),
    )


FENCED = _format("deepseek_r1", fenced=True)
BARE = _format("deepseek", fenced=False)
