"""Arguments as pairs of tags, a key and its value: GLM and Hy3."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools.offer import Tool
from llmd.chat.tools.tagged import Arguments
from llmd.chat.tools.tagged_grammar import TagStyle

_NAME = re.compile(r"[^<]*")
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class PairTags:
    """The four tags of a pair, and what ends a call."""

    key: str
    key_end: str
    value: str
    value_end: str
    call_end: str

    @property
    def all(self) -> tuple[str, ...]:
        """The tags of a pair."""
        return self.key, self.key_end, self.value, self.value_end

    @property
    def style(self) -> TagStyle:
        """How the grammar writes them, a pair a line."""
        before = f"{self.key}{{name}}{self.key_end}\n{self.value}"
        return TagStyle(before, self.value_end, after="\n", tokens=self.all)

    def parse(self, scan: Scanner, tool: Tool) -> Parsing[None]:
        """Read the arguments of a call to its end; raise Malformed."""
        arguments = Arguments(scan, tool)
        while (yield from scan.closing(self.key)):
            name = (yield from scan.word(_NAME, _LONGEST_NAME)).strip()
            yield from scan.expect(self.key_end)
            yield from scan.space()
            yield from scan.expect(self.value)
            yield from arguments.value(name, (self.value_end,))
        yield from scan.space()
        yield from scan.expect(self.call_end)
        arguments.close()
