"""Calls in sections of `<invoke name="NAME">`, any number of them between one pair of tags, each
with one tag per argument, which is `<parameter name="KEY">` in most families.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged import Arguments
from llmd.chat.tools.tagged_grammar import TagStyle, tagged_arguments

_NAME = re.compile(r'[^"<>\n]*')
_LONGEST_NAME = 256
_TYPED = {'" string="true">': True, '" string="false">': False, '">': None}


@dataclass(frozen=True, slots=True)
class Sections:
    """The tags of one family. All of them can hold tokens, which `style` names."""

    opening: str
    closing: str
    invoke: str
    """Up to the name of the tool."""
    invoke_end: str
    style: TagStyle
    """How the grammar writes arguments."""
    arguments: Callable[[Scanner, Arguments, Tool], Parsing[None]]
    """Reads the arguments of a call and the tag that ends it; raises Malformed."""
    line: str = "\n"
    """What follows the tag that begins a call."""
    before: str = ""
    """What the model writes between its answer and a section, which belongs to neither."""

    def parse(self, scan: Scanner, offer: Offer) -> Parsing[None]:
        """Read an answer to its end."""
        openings = dict.fromkeys((self.before + self.opening, self.opening))
        yield from text_with_calls(scan, tuple(openings), lambda _: self.section(scan, offer))

    def section(self, scan: Scanner, offer: Offer) -> Parsing[None]:
        """Read a section behind its opening; raise Malformed."""
        yield from scan.space()
        yield from scan.expect(self.invoke)
        yield from self._call(scan, offer)
        while (yield from scan.closing(self.invoke)):
            yield from self._call(scan, offer)
        yield from scan.closing(self.closing)

    def _call(self, scan: Scanner, offer: Offer) -> Parsing[None]:
        tool = offer.tool((yield from scan.word(_NAME, _LONGEST_NAME)))
        yield from scan.expect('">')
        arguments = Arguments(scan, tool)
        yield from self.arguments(scan, arguments, tool)
        arguments.close()
        scan.complete += 1

    def call(self, rules: Rules, tool: Tool) -> str:
        """Return the rule of one call inside a section."""
        tokens = self.style.tokens
        head = rules.spelled(f'{self.invoke}{tool.name}">{self.line}', tokens)
        end = rules.spelled(f"{self.invoke_end}\n", tokens)
        return rules.add(f"{head} {tagged_arguments(rules, tool, self.style)} {end}")

    def grammar(self, offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
        """Return the grammar of one section."""
        rules = Rules(spelling)
        one = rules.either([self.call(rules, tool) for tool in offer.tools])
        every = calls(one, "", parallel=parallel)
        opening, closing = self.around(rules, self.opening), self.around(rules, self.closing)
        return rules.grammar(f'{opening} "\\n" {every} {closing}')

    def around(self, rules: Rules, tag: str) -> str:
        """Return what matches the opening or the closing tag."""
        return rules.spelled(tag, (*self.style.tokens, tag))

    def format(self, name: str, *markers: str) -> CallFormat:
        """Return the format of answers with such sections."""
        return CallFormat(
            name,
            (self.opening, self.closing, *markers),
            self.parse,
            self.grammar,
            triggers=(self.opening,),
            interrupts=(self.opening,),
        )


def named_parameters(prefix: str, end: str) -> Callable[[Scanner, Arguments, Tool], Parsing[None]]:
    """Return what reads arguments as `<parameter name="KEY">` with a prefix before all names of
    tags, up to the call's `end`.
    """
    opening, closing = f'<{prefix}parameter name="', f"</{prefix}parameter>"

    def read(scan: Scanner, arguments: Arguments, _tool: Tool) -> Parsing[None]:
        while (yield from scan.closing(opening)):
            name = yield from scan.word(_NAME, _LONGEST_NAME)
            text = _TYPED[(yield from scan.expect(*_TYPED))]
            yield from arguments.value(name, (closing,), text=text)
        if not (yield from scan.closing(end)):
            raise Malformed

    return read


def parameter_sections(
    section: str,
    *,
    prefix: str = "",
    typed: bool = False,
    tokens: tuple[str, ...] = (),
    before: str = "",
) -> Sections:
    """Return the tags of a family that writes `<parameter name="KEY">` with a prefix, within tags
    that are named `section`; `typed`: it adds `string="true"` or `string="false"`, for text and
    for JSON.
    """
    end = f"</{prefix}invoke>"
    kind = ' string="{string}"' if typed else ""
    style = TagStyle(
        f'<{prefix}parameter name="{{name}}"{kind}>', f"</{prefix}parameter>", "\n", tokens=tokens
    )
    read = named_parameters(prefix, end)
    opening, closing = f"<{section}>", f"</{section}>"
    return Sections(opening, closing, f'<{prefix}invoke name="', end, style, read, before=before)
