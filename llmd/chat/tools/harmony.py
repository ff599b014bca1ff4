"""gpt-oss: an answer is messages on channels. `analysis` is reasoning, what is addressed to
`functions.NAME` is a call, all else is shown.

    <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>commentary
     to=functions.NAME <|constrain|>json<|message|>{...}<|call|>
"""

from __future__ import annotations

import re

from llmd.chat.reasoning import HARMONY, thoughts
from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_text
from llmd.chat.tools.calls import attempt
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.framed import Frame, messages
from llmd.chat.tools.lark import Rules, Spelling
from llmd.chat.tools.offer import Offer

_START, _CHANNEL, _CONSTRAIN, _MESSAGE = "<|start|>", "<|channel|>", "<|constrain|>", "<|message|>"
_NEXT = (_START, _CHANNEL)
_TO = " to="
_FRAME = Frame(
    (_START, _CHANNEL, _MESSAGE, _TO),
    _MESSAGE,
    (HARMONY.closing, "<|call|>", "<|return|>", *_NEXT),
    _NEXT,
)
_PREFIX = "functions."
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_CHANNEL_NAME = re.compile(re.escape(_CHANNEL) + r"\s*(\w+)")
_ASSISTANT = "assistant"


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""
    yield from messages(scan, _FRAME, lambda head: _message(scan, offer, head))


def _message(scan: Scanner, offer: Offer, head: str) -> Parsing[str | None]:
    addressed = _RECIPIENT.search(head)
    recipient = addressed[1] if addressed and addressed[1] != _ASSISTANT else ""
    name = recipient.removeprefix(_PREFIX)
    channels = _CHANNEL_NAME.findall(head)
    if recipient and (recipient != name or offer.has(name)):
        yield from attempt(scan, "", "", lambda _: _call(scan, name))
    elif recipient or channels[-1:] == ["analysis"]:
        # calls of tools that nobody offered are what the model had in mind, no more
        scan.markup(head + _MESSAGE)
        return (yield from thoughts(scan, _FRAME.ends))
    return (yield from scan.through(_FRAME.ends, scan.say))


def _call(scan: Scanner, name: str) -> Parsing[None]:
    yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    scan.begin(name)
    yield from json_text.value(scan, scan.argue)
    yield from scan.space()
    scan.complete += 1


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:  # noqa: ARG001  as GrammarOf
    """Return the grammar of one call; `<|call|>` ends the model's turn."""
    rules = Rules(spelling)
    json_type = f'" " {rules.marker(_CONSTRAIN)} "json" {rules.marker(_MESSAGE)}'
    options = []
    for tool in offer.tools:
        to = rules.text(f"commentary to={_PREFIX}{tool.name}")
        options.append(rules.add(f"{to} {json_type} {rules.arguments(tool)}"))
    return rules.grammar(f"{rules.marker(_CHANNEL)} {rules.either(options)}")


def triggered(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:  # noqa: ARG001  as GrammarOf
    """Return the grammar of one call from its recipient on, which may stand before or behind the
    channel.
    """
    rules = Rules(spelling)
    channel = f'({rules.marker(_CHANNEL)} "commentary")?'
    constrain = rules.marker(_CONSTRAIN)
    json_type = f'(" " {constrain}? "json" | {constrain} "json")?'
    options = []
    for tool in offer.tools:
        to = rules.either([rules.text(_TO + name) for name in (_PREFIX + tool.name, tool.name)])
        head = f"{to} {channel} {json_type} {rules.marker(_MESSAGE)}"
        options.append(rules.add(f"{head} {rules.arguments(tool)}"))
    return rules.grammar(rules.either(options))


FORMAT = CallFormat(
    "harmony",
    (_START, _CHANNEL, _CONSTRAIN, _MESSAGE, *_FRAME.ends),
    parse,
    grammar,
    triggers=(_TO + _PREFIX, f"{_TO}{{name}}"),
    triggered=triggered,
    frames=True,
    resume=f"{_START}{_ASSISTANT}",
    answer=f"{_CHANNEL}final{_MESSAGE}",
)
