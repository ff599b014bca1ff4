"""MiniCPM5: `<function name="NAME"><param name="KEY">VALUE</param></function>`. A value that could
be taken for a tag stands between `<![CDATA[` and `]]>`.
"""

from __future__ import annotations

import re

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, between_tags, values_of
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged import Arguments
from llmd.chat.tools.tagged_grammar import TagStyle, tagged_arguments

_FUNCTION, _FUNCTION_END = "<function", "</function>"
_PARAMETER, _PARAMETER_END = "<param", "</param>"
_AROUND = ("<![CDATA[", "]]>")
_WRAPPED_ENDS = (f"{_AROUND[1]}{_PARAMETER_END}", f"{_AROUND[1]}\n{_PARAMETER_END}")
_MARKERS = (_FUNCTION, _FUNCTION_END, _PARAMETER, _PARAMETER_END)
_OPEN = f'{_FUNCTION} name="'
_NAMED = f'{_PARAMETER} name="'
_NAME = re.compile(r'[^"<>\n]*')
_LONGEST_NAME = 256
_UNSAFE = frozenset("<&\n")


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(_opening: str) -> Parsing[None]:
        tool = offer.tool((yield from scan.word(_NAME, _LONGEST_NAME)))
        yield from scan.expect('">')
        yield from _arguments(scan, tool)
        scan.complete += 1

    yield from text_with_calls(scan, (_OPEN,), read)


def _arguments(scan: Scanner, tool: Tool) -> Parsing[None]:
    arguments = Arguments(scan, tool)
    while (yield from scan.closing(_NAMED)):
        name = yield from scan.word(_NAME, _LONGEST_NAME)
        yield from scan.expect('">')
        wrapped = yield from scan.closing(_AROUND[0])
        yield from arguments.value(name, _WRAPPED_ENDS if wrapped else (_PARAMETER_END,))
    if not (yield from scan.closing(_FUNCTION_END)):
        raise Malformed
    arguments.close()


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of calls on lines of their own."""
    rules = Rules(spelling)
    style = TagStyle(f'{_NAMED}{{name}}">', _PARAMETER_END, tokens=_MARKERS, around=_AROUND)
    options = []
    for tool in offer.tools:
        head = rules.spelled(f'{_OPEN}{tool.name}">', _MARKERS)
        arguments = tagged_arguments(rules, tool, style)
        options.append(rules.add(f"{head} {arguments} {rules.marker(_FUNCTION_END)}"))
    return rules.grammar(calls(rules.either(options), '"\\n"', parallel=parallel))


def write(name: str, arguments: str) -> str:
    """Return a call's text."""
    inside = "".join(
        f'{_NAMED}{key}">{_written(value)}{_PARAMETER_END}'
        for key, value in values_of(arguments).items()
    )
    return f'{_OPEN}{name}">{inside}{_FUNCTION_END}'


def _written(value: object) -> str:
    text = between_tags(value)
    wrapped = text is value and _UNSAFE.intersection(text)
    return f"{_AROUND[0]}{text}{_AROUND[1]}" if wrapped else text


FORMAT = CallFormat(
    "minicpm",
    _MARKERS,
    parse,
    grammar,
    triggers=(_OPEN,),
    interrupts=(_OPEN,),
    write=write,
)
