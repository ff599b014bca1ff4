"""MiniMax-M2: `<invoke name="NAME">` with `<parameter name="KEY">` inside, any number of them
between one pair of `<minimax:tool_call>` tags.
"""

from __future__ import annotations

import re

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged import Arguments
from llmd.chat.tools.tagged_grammar import TagStyle, tagged_arguments

_OPEN, _CLOSE = "<minimax:tool_call>", "</minimax:tool_call>"
_INVOKE, _INVOKE_END = '<invoke name="', "</invoke>"
_PARAMETER, _PARAMETER_END = '<parameter name="', "</parameter>"
_NAME = re.compile(r'[^"<>\n]*')
_LONGEST_NAME = 256


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        yield from scan.expect(_INVOKE)
        yield from _call(scan, offer)
        while (yield from scan.closing(_INVOKE)):
            yield from _call(scan, offer)
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN,), read)


def _call(scan: Scanner, offer: Offer) -> Parsing[None]:
    tool = offer.tool((yield from scan.word(_NAME, _LONGEST_NAME)))
    yield from scan.expect('">')
    yield from _arguments(scan, tool)
    scan.complete += 1


def _arguments(scan: Scanner, tool: Tool) -> Parsing[None]:
    arguments = Arguments(scan, tool)
    while (yield from scan.closing(_PARAMETER)):
        name = yield from scan.word(_NAME, _LONGEST_NAME)
        yield from scan.expect('">')
        yield from arguments.value(name, (_PARAMETER_END,))
    if not (yield from scan.closing(_INVOKE_END)):
        raise Malformed
    arguments.close()


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of calls."""
    rules = Rules(spelling)
    style = TagStyle(f'{_PARAMETER}{{name}}">', _PARAMETER_END, "\n")
    end = rules.text(f"{_INVOKE_END}\n")
    options = []
    for tool in offer.tools:
        head = rules.text(f'{_INVOKE}{tool.name}">\n')
        arguments = tagged_arguments(rules, tool, style)
        options.append(rules.add(f"{head} {arguments} {end}"))
    every = calls(rules.either(options), "", parallel=parallel)
    return rules.grammar(f'{rules.marker(_OPEN)} "\\n" {every} {rules.marker(_CLOSE)}')


FORMAT = CallFormat(
    "minimax", (_OPEN, _CLOSE), parse, grammar, triggers=(_OPEN,), interrupts=(_OPEN,)
)
