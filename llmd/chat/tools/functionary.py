"""Functionary: `<function=NAME>{...}</function>` in 3.1; in 3.2 every part of an answer names its
recipient on a line of its own, `all` or a tool, and `>>>` parts them.
"""

from __future__ import annotations

import re
from functools import partial

from llmd.chat.scanning import Malformed, Parsing, Scanner, insist
from llmd.chat.tools import json_text
from llmd.chat.tools.calls import attempt, text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.llama import PYTHON_TAG, python_call
from llmd.chat.tools.offer import Offer

_OPEN, _CLOSE = "<function=", "</function>"
_PART, _EVERYBODY = ">>>", "all"
_NAME = re.compile(r"[^>\n<]*")
_LONGEST_NAME = 256


def parse_tags(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer of 3.1 to its end."""

    def read(opening: str) -> Parsing[None]:
        if opening == PYTHON_TAG:
            yield from python_call(scan, offer)
            return
        name = yield from scan.word(_NAME, _LONGEST_NAME)
        yield from scan.expect(">")
        yield from _arguments(scan, name)
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN, PYTHON_TAG), read)


def _arguments(scan: Scanner, name: str) -> Parsing[None]:
    yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    scan.begin(name)
    yield from json_text.value(scan, scan.argue)
    scan.complete += 1


def parse_parts(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer of 3.2 to its end; the prompt ends with the first `>>>`."""
    part: str | None = yield from scan.literal(_PART)
    while part is not None:
        recipient = yield from _recipient(scan, offer)
        if not recipient:
            scan.say(part)
        elif recipient != _EVERYBODY:
            yield from attempt(scan, "", "", partial(_part, scan, recipient))
        part = yield from scan.through((_PART,), scan.say)


def _recipient(scan: Scanner, offer: Offer) -> Parsing[str]:
    """Read the line that says to whom a part goes; return "" and read nothing if there is none."""
    scan.mark()
    try:
        name = yield from scan.word(_NAME, _LONGEST_NAME)
        yield from scan.expect("\n")
        insist(name == _EVERYBODY or offer.has(name))
    except Malformed:
        scan.back()
        return ""
    scan.forget()
    return name


def _part(scan: Scanner, name: str, _opening: str) -> Parsing[None]:
    yield from _arguments(scan, name)
    yield from scan.space()


def tag_grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of 3.1."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        name = rules.text(f"{tool.name}>")
        opening, closing = rules.marker(_OPEN), rules.marker(_CLOSE)
        options.append(rules.add(f"{opening} {name} {rules.arguments(tool)} {closing}"))
    return rules.grammar(calls(rules.either(options), "", parallel=parallel))


def part_grammar(offer: Offer, spelling: Spelling, *, parallel: bool, opening: str = "") -> str:
    """Return the grammar of 3.2, behind the prompt's `>>>` or with that as its `opening`."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        head = rules.text(f"{tool.name}\n")
        options.append(rules.add(f"{head} {rules.arguments(tool)}"))
    every = calls(rules.either(options), rules.marker(_PART), parallel=parallel)
    return rules.grammar(f"{rules.marker(opening)} {every}" if opening else every)


TAGS = CallFormat(
    "functionary_3.1", (_OPEN, _CLOSE, PYTHON_TAG), parse_tags, tag_grammar, triggers=(_OPEN,)
)
PARTS = CallFormat(
    "functionary_3.2",
    (_PART,),
    parse_parts,
    part_grammar,
    triggers=(f"{_PART}{{name}}\n",),
    triggered=partial(part_grammar, opening=_PART),
    before=_PART,
    frames=True,
    answer=f"{_EVERYBODY}\n",
)
