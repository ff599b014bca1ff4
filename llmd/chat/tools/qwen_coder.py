"""Qwen3-Coder, Qwen 3.5 and Nemotron 3, and ByteDance Seed-OSS with tags of its own: one
`<parameter=NAME>` per argument inside `<function=NAME>` inside `<tool_call>`. Qwen puts every value
on lines of its own, Seed does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged import Arguments
from llmd.chat.tools.tagged_grammar import TagStyle, tagged_arguments

_FUNCTION, _PARAMETER = "<function=", "<parameter="
_FUNCTION_END, _PARAMETER_END = "</function>", "</parameter>"
# where a model forgets to begin a line, the tag ends a value only if nothing but a tag follows it
_LINE_ENDS = (
    f"\n{_PARAMETER_END}",
    *(_PARAMETER_END + behind for behind in ("\n", _PARAMETER, _FUNCTION_END, "</tool_call>")),
)
_NAME = re.compile(r"[^>\n<]*")
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class _Tags:
    opening: str
    closing: str
    line: str
    """What stands between a parameter's tags and its value."""

    def parse(self, scan: Scanner, offer: Offer) -> Parsing[None]:
        """Read an answer to its end; models often forget the opening tag."""

        def read(found: str) -> Parsing[None]:
            if found == self.opening:
                yield from scan.space()
                yield from scan.expect(_FUNCTION)
            name = yield from scan.word(_NAME, _LONGEST_NAME)
            yield from scan.expect(">")
            yield from self._call(scan, offer.tool(name.strip()))
            scan.complete += 1

        yield from text_with_calls(scan, (self.opening, _FUNCTION), read)

    def _call(self, scan: Scanner, tool: Tool) -> Parsing[None]:
        arguments = Arguments(scan, tool)
        ends = _LINE_ENDS if self.line else (_PARAMETER_END,)
        while (yield from scan.closing(_PARAMETER)):
            name = yield from scan.word(_NAME, _LONGEST_NAME)
            yield from scan.expect(">")
            if self.line:
                yield from scan.literal(self.line)
            found = yield from arguments.value(name, ends)
            scan.unread(found.partition(_PARAMETER_END)[2])
        ended = yield from scan.closing(_FUNCTION_END)
        closed = yield from scan.closing(self.closing)
        if not ended and not closed:
            raise Malformed
        arguments.close()

    def grammar(
        self, offer: Offer, spelling: Spelling, *, parallel: bool, forgotten: bool = False
    ) -> str:
        """Return the grammar of calls; `forgotten`: the opening tag of the first may be missing."""
        rules = Rules(spelling)
        style = TagStyle(f"{_PARAMETER}{{name}}>{self.line}", _PARAMETER_END, "\n", self.line)
        options = []
        for tool in offer.tools:
            head = rules.text(f"{_FUNCTION}{tool.name}>\n")
            options.append(rules.add(f"{head} {tagged_arguments(rules, tool, style)}"))
        end = rules.text(f"{_FUNCTION_END}\n")
        opening = f'{rules.marker(self.opening)} "\\n"'
        tail = rules.add(f"{rules.either(options)} {end} {rules.marker(self.closing)}")
        first = f"({opening})? {tail}" if forgotten else f"{opening} {tail}"
        more = f'("\\n" {opening} {tail})*' if parallel else ""
        return rules.grammar(f"{first} {more}")


def _format(name: str, tags: _Tags) -> CallFormat:
    markers = (tags.opening, tags.closing)
    return CallFormat(
        name,
        markers,
        tags.parse,
        tags.grammar,
        triggers=(tags.opening, _FUNCTION),
        triggered=partial(tags.grammar, forgotten=True),
        interrupts=(tags.opening,),
    )


QWEN_CODER = _format("qwen_coder", _Tags("<tool_call>", "</tool_call>", "\n"))
SEED = _format("seed", _Tags("<seed:tool_call>", "</seed:tool_call>", ""))
