"""Llama 3: the whole answer is `{"name": ..., "parameters": {...}}`, perhaps behind
`<|python_tag|>`, behind which there can also be `name.call(key="value")` or a program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_call, pythonic
from llmd.chat.tools.calls import attempt, text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.json_text import escaped
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer, Tool

PYTHON_TAG = "<|python_tag|>"
_CODE_TOOLS = ("python", "ipython", "code_interpreter")
_BUILT_IN = ".call"


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end. Without a marker to tell by, a call must stand at the beginning
    and name a tool that is offered.
    """
    yield from bare_calls(scan, offer)
    yield from text_with_calls(scan, (PYTHON_TAG,), lambda _: python_call(scan, offer))


def bare_calls(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read calls at the beginning of an answer, if it begins with such."""
    scan.mark()
    yield from scan.space()
    first = yield from scan.peek()
    scan.back()
    if first and first in "{[":
        yield from attempt(scan, "", "", lambda _: _objects(scan, offer))


def _objects(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read calls that are a list, or separated by semicolons or nothing."""
    yield from scan.space()
    yield from json_call.calls(scan, offer.has)
    while (yield from _another(scan, offer)):
        pass


def _another(scan: Scanner, offer: Offer) -> Parsing[bool]:
    begun = scan.calls
    scan.mark()
    yield from scan.closing(";")
    yield from scan.space()
    try:
        yield from json_call.call(scan, offer.has)
    except Malformed:
        if scan.calls > begun:
            scan.forget()
        else:
            scan.back()
        return False
    scan.forget()
    return True


def python_call(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read what stands behind the tag: an object, a call of a built-in tool, or a program for the
    tool that runs such.
    """
    yield from scan.space()
    begun = scan.calls
    if (yield from scan.peek()) == "{":
        yield from _objects(scan, offer)
        return
    try:
        yield from pythonic.call(scan, offer.has, _BUILT_IN)
    except Malformed:
        name = next((name for name in _CODE_TOOLS if offer.has(name)), "")
        if not name or scan.calls > begun:
            raise
        yield from _program(scan, name)


def _program(scan: Scanner, name: str) -> Parsing[None]:
    scan.begin(name)
    scan.argue('{"code": "')
    yield from scan.rest(lambda text: scan.argue(escaped(text)))
    scan.argue('"}')
    scan.complete += 1


def grammar(
    offer: Offer,
    spelling: Spelling,
    *,
    parallel: bool,  # noqa: ARG001  as GrammarOf
    space: str = " ",
) -> str:
    """Return the grammar of one object: the templates refuse a history of several at once."""
    rules = Rules(spelling)
    options = [json_call_rule(rules, tool, "parameters", space) for tool in offer.tools]
    return rules.grammar(rules.either(options))


def free_grammar(
    offer: Offer, spelling: Spelling, *, parallel: bool, around: Mapping[str, str]
) -> str:
    """Return the grammar of calls as models spell them when nothing holds them: at the beginning of
    an answer, or behind a text that is a key of `around` and before its value, if it has one.
    """
    rules = Rules(spelling)
    space = rules.add(r"/[ \t\r\n]{1,16}/?")
    one = rules.either([_free_call(rules, tool, space) for tool in offer.tools])
    several = calls(one, space, parallel=parallel)
    comma = f'{space} "," {space}'
    listed = f'"[" {space} {calls(one, comma, parallel=parallel)} {space} "]"'
    options = [several, listed]
    for before, after in around.items():
        inside = f"({one} | {listed}) {space} {rules.marker(after)}" if after else several
        options.append(f"{rules.marker(before)} {space} {inside}")
    return rules.grammar(f"{space} {rules.either(options)}")


def _free_call(rules: Rules, tool: Tool, space: str) -> str:
    def field(keys: str, value: str) -> str:
        return f'({keys}) {space} ":" {space} {value} {space}'

    kind = field(rules.text('"type"'), rules.text('"function"'))
    name = rules.text(json.dumps(tool.name, ensure_ascii=False))
    keys = '"\\"name\\"" | "\\"function\\""', '"\\"parameters\\"" | "\\"arguments\\""'
    fields = f'{field(keys[0], name)} "," {space} {field(keys[1], rules.arguments(tool))}'
    return rules.add(f'"{{" {space} ({kind} "," {space})? {fields} "}}"')


FORMAT = CallFormat(
    "llama",
    (PYTHON_TAG,),
    parse,
    grammar,
    triggers=(PYTHON_TAG,),
    triggered=partial(free_grammar, around={PYTHON_TAG: ""}),
    bare=True,
    beside=partial(grammar, space=""),
)
