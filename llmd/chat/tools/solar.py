"""Upstage Solar Open: an answer is messages of kinds, `<|think|>` that is reasoning, `<|content|>`
that is shown, and calls, each with an id of ten letters and digits.

    <|think|>...<|end|><|begin|>assistant<|content|>...<|end|>
    <|begin|>assistant<|tool_calls|><|tool_call:begin|>ID<|tool_call:name|>NAME<|tool_call:args|>{...}
     <|tool_call:end|><|calls|>
"""

from __future__ import annotations

import re

from llmd.chat.reasoning import SOLAR, thoughts
from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_text
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Rules, Spelling, calls
from llmd.chat.tools.offer import Offer

_CALLS, _CALLS_END = "<|tool_calls|>", "<|calls|>"
_CALL, _CALL_END = "<|tool_call:begin|>", "<|tool_call:end|>"
_NAME, _ARGUMENTS = "<|tool_call:name|>", "<|tool_call:args|>"
_BEGIN, _CONTENT = "<|begin|>assistant", "<|content|>"
_AROUND = (_BEGIN, _CONTENT, SOLAR.closing, _CALLS, _CALLS_END)
_WORD = re.compile(r"[^<\s]*")
_LONGEST_WORD = 256
_NEW_ID = "/[a-z0-9]{10}/"


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end; what marks its messages is dropped."""

    def read(opening: str) -> Parsing[None]:
        if opening == SOLAR.opening:
            scan.markup(opening)
            yield from thoughts(scan, (SOLAR.closing,))
        elif opening == _CALL:
            yield from _call(scan)

    yield from text_with_calls(scan, (_CALL, SOLAR.opening, *_AROUND), read)


def _call(scan: Scanner) -> Parsing[None]:
    call_id = yield from scan.word(_WORD, _LONGEST_WORD)
    yield from scan.expect(_NAME)
    name = yield from scan.word(_WORD, _LONGEST_WORD)
    yield from scan.expect(_ARGUMENTS)
    yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    scan.begin(name, call_id)
    yield from json_text.value(scan, scan.argue)
    yield from scan.closing(_CALL_END)
    scan.complete += 1


def grammar(offer: Offer, spelling: Spelling, *, parallel: bool) -> str:
    """Return the grammar of a message of calls."""
    rules = Rules(spelling)
    options = []
    for tool in offer.tools:
        name = f"{rules.marker(_NAME)} {rules.text(tool.name)}"
        options.append(rules.add(f"{name} {rules.marker(_ARGUMENTS)} {rules.arguments(tool)}"))
    head = f"{rules.marker(_CALL)} {_NEW_ID}"
    one = rules.add(f"{head} {rules.either(options)} {rules.marker(_CALL_END)}")
    return rules.grammar(f"{rules.marker(_CALLS)} {calls(one, '', parallel=parallel)}")


FORMAT = CallFormat(
    "solar",
    (_CALL, _NAME, _ARGUMENTS, _CALL_END, SOLAR.opening, *_AROUND),
    parse,
    grammar,
    triggers=(_CALLS,),
    interrupts=(_CALLS, _CONTENT),
    frames=True,
    resume=_BEGIN,
    answer=_CONTENT,
)
