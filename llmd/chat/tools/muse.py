"""Muse Glimmer: an answer is messages, each of which names its recipient: `self` for reasoning,
`user` for the answer, or a tool for one section of tags with its call.

     to=self<|message|>...<|eom|><|start|>assistant to=NAME<|message|><atem:function_calls>
    <atem:invoke name="NAME">
    <atem:parameter name="KEY">VALUE</atem:parameter>
    </atem:invoke>
    </atem:function_calls><|eot|>
"""

from __future__ import annotations

import re

from llmd.chat.reasoning import MUSE, thoughts
from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools.calls import attempt
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.framed import Frame, messages
from llmd.chat.tools.invoke import parameter_sections
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer, Tool

_START, _MESSAGE, _END, _TURN_END = "<|start|>", "<|message|>", MUSE.closing, "<|eot|>"
_ASSISTANT, _TO = "assistant", " to="
_FRAME = Frame((_START, _MESSAGE, _TO), _MESSAGE, (_END, _TURN_END, _START), (_START,))
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_SELF, _USER = "self", "user"
_TOKENS = (_START, _MESSAGE, _END)
_TAGS = parameter_sections("atem:function_calls", prefix="atem:")


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end. Tags in what is said to the user are part of that."""
    yield from messages(scan, _FRAME, lambda head: _message(scan, offer, head))


def _message(scan: Scanner, offer: Offer, head: str) -> Parsing[str | None]:
    addressed = _RECIPIENT.search(head)
    recipient = addressed[1] if addressed else _USER
    if recipient == _SELF:
        scan.markup(head + _MESSAGE)
        return (yield from thoughts(scan, _FRAME.ends))
    if recipient != _USER and offer.tools:
        yield from attempt(scan, "", "", lambda _: _call(scan, offer))
    return (yield from scan.through(_FRAME.ends, scan.say))


def _call(scan: Scanner, offer: Offer) -> Parsing[None]:
    yield from scan.space()
    yield from scan.expect(_TAGS.opening)
    yield from _TAGS.section(scan, offer)
    yield from scan.space()


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of messages with one call each."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        head = rules.spelled(f"{_TO}{tool.name}{_MESSAGE}", _TOKENS)
        options.append(rules.add(f"{head} {_body(rules, tool)}"))
    between = rules.spelled(f"{_END}{_START}{_ASSISTANT}", _TOKENS)
    return rules.grammar(calls(rules.either(options), between, parallel=parallel))


def _body(rules: Rules, tool: Tool) -> str:
    call = _TAGS.call(rules, tool)
    opening, closing = _TAGS.around(rules, _TAGS.opening), _TAGS.around(rules, _TAGS.closing)
    return rules.add(f'{opening} "\\n" {call} {closing}')


FORMAT = CallFormat(
    "muse",
    (_START, _MESSAGE, _END, _TURN_END, _TAGS.opening, _TAGS.closing),
    parse,
    grammar,
    triggers=(f"{_TO}{{name}}{_MESSAGE}",),
    frames=True,
    resume=f"{_START}{_ASSISTANT}",
    answer=f"{_TO}{_USER}{_MESSAGE}",
)
