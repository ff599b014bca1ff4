"""What every format of tool calls brings along."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools.lark import Rules, Spelling
from llmd.chat.tools.offer import Offer, Tool


def write_hermes(name: str, arguments: str) -> str:
    """Return a call as most open models write it, and as llmd asks of models whose template has
    no way of its own.
    """
    head = json.dumps(name, ensure_ascii=False)
    return f'<tool_call>\n{{"name": {head}, "arguments": {arguments}}}\n</tool_call>'


def values_of(arguments: str) -> dict[str, Any]:
    """Return the values of JSON arguments by their names, or what is no object under one name."""
    try:
        return dict(json.loads(arguments))
    except (ValueError, TypeError, RecursionError):
        return {"arguments": arguments}


def between_tags(value: Any) -> str:
    """Return a value as it stands between tags: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class GrammarOf(Protocol):
    """Writes the grammar of calls."""

    def __call__(self, offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
        """Return the grammar of one call, or of one or more when they may be `parallel`."""


@dataclass(frozen=True, slots=True)
class CallFormat:
    """One way of writing calls. All of it is about texts; control tokens appear by theirs."""

    name: str
    markers: tuple[str, ...]
    """Texts that must reach the parser although some vocabularies have control tokens for them."""
    parse: Callable[[Scanner, Offer], Parsing[None]]
    """Reads an answer, behind any reasoning, to its end. A call that is none comes out as text."""
    grammar: GrammarOf
    """The grammar of an answer that is calls and nothing else."""
    triggers: tuple[str, ...] = ()
    """Texts with which a call can begin; `{name}` stands for the name of a tool."""
    triggered: GrammarOf | None = None
    """The grammar from a trigger on, where forced calls cannot begin with each of them."""
    before: str = ""
    """What the prompt ends with where that belongs to the trigger of a call."""
    bare: bool = False
    """Whether a call can do without a trigger at the beginning of an answer, and triggers begin
    other things as well.
    """
    beside: GrammarOf | None = None
    """The grammar of an answer that is calls where it could also be JSON of another kind: spaces
    must not tell the two apart.
    """
    interrupts: tuple[str, ...] = ()
    """Beginnings of calls that end reasoning which was not closed."""
    frames: bool = False
    """Whether answers without calls, and reasoning, are marked up in this format as well."""
    resume: str = ""
    """What follows closed reasoning before anything else can."""
    answer: str = ""
    """What a plain answer begins with."""
    write: Callable[[str, str], str] = write_hermes
    """A call's text from its name and JSON arguments, for templates that cannot write it."""

    def openings(self, offer: Offer) -> list[str]:
        """Return the triggers of calls of these tools."""
        found = (
            trigger.replace("{name}", tool.name)
            for trigger in self.triggers
            for tool in offer.tools
        )
        return list(dict.fromkeys(found))


def json_call_rule(rules: Rules, tool: Tool, arguments: str = "arguments", space: str = " ") -> str:
    """Return what matches one call as a JSON object of name and arguments, with this `space`
    behind commas and colons.
    """
    name = json.dumps(tool.name, ensure_ascii=False)
    head = f'{{"name":{space}{name},{space}"{arguments}":{space}'
    return rules.add(f"{rules.text(head)} {rules.arguments(tool)} {rules.text('}')}")
