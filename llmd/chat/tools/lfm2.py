"""LFM2 and LFM2.5: calls as a Python list, `[name(key="value"), ...]`, between control tokens."""

from __future__ import annotations

import json

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call, pythonic
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, write_hermes
from llmd.chat.tools.lark import Rules, Spelling, calls, listed
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged_grammar import cannot_force, check_object, with_definitions

_OPEN, _CLOSE = "<|tool_call_start|>", "<|tool_call_end|>"


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end; on request the model writes JSON instead."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        listed = bool((yield from scan.literal("[")))
        while True:
            yield from scan.space()
            if (yield from scan.peek()) == "{":
                yield from json_call.call(scan)
            else:
                yield from pythonic.call(scan)
            if not listed or not (yield from scan.closing(",")):
                break
        yield from scan.closing("]")
        yield from scan.closing(_CLOSE)

    yield from text_with_calls(scan, (_OPEN,), read)


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of a list of calls."""
    rules = Rules(spelling)
    options = [
        rules.add(f"{rules.text(tool.name + '(')} {_arguments(rules, tool)} {rules.text(')')}")
        for tool in offer.tools
    ]
    every = calls(rules.either(options), '", "', parallel=parallel)
    return rules.grammar(f'{rules.marker(_OPEN)} "[" {every} "]" {rules.marker(_CLOSE)}')


def _arguments(rules: Rules, tool: Tool) -> str:
    check_object(tool)
    required = tool.parameters.get("required") or []
    written = {}
    for name in dict.fromkeys([*required, *tool.properties]):
        if not name.isidentifier():
            raise cannot_force(tool, f"$.properties.{name}", "properties")
        value = rules.json(with_definitions(tool, tool.schema(name)))
        written[name] = rules.add(f"{rules.text(f'{name}=')} {value}")
    must = [written[name] for name in dict.fromkeys(required)]
    may = [rule for name, rule in written.items() if name not in required]
    return listed(rules, must, may, '", "')


def write(name: str, arguments: str) -> str:
    """Return a call from its arguments as JSON, whose literals the model reads as well."""
    try:
        values = dict(json.loads(arguments))
    except (ValueError, TypeError, RecursionError):
        return write_hermes(name, arguments)
    written = ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items()
    )
    return f"{_OPEN}[{name}({written})]{_CLOSE}"


FORMAT = CallFormat("lfm2", (_OPEN, _CLOSE), parse, grammar, triggers=(_OPEN,), write=write)
