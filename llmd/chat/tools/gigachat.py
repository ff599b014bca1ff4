"""GigaChat 3.1: one `<|function_call|>{"name": ..., "arguments": {...}}` an answer. GigaChat 3: the
same object in a message of its own role, behind the end of the answer.

    ...<|message_sep|>

    function call<|role_sep|>
    {"name": ..., "arguments": {...}}<|message_sep|>

Both tokens have the line breaks in them where the vocabulary is the maker's.
"""

from __future__ import annotations

import json
from functools import partial

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools import json_call
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat, json_call_rule
from llmd.chat.tools.lark import Rules, Spelling
from llmd.chat.tools.offer import Offer

_OPEN = "<|function_call|>"
_END, _ROLE, _CALLER = "<|message_sep|>", "<|role_sep|>", "function call"
_MARKERS = (f"{_END}\n\n", f"{_ROLE}\n", _END, _ROLE)
_CALL = f"{_END}\n\n{_CALLER}{_ROLE}\n"


def parse(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer to its end."""

    def read(_opening: str) -> Parsing[None]:
        yield from scan.space()
        yield from json_call.calls(scan)

    yield from text_with_calls(scan, (_OPEN,), read)


def parse_messages(scan: Scanner, _offer: Offer) -> Parsing[None]:
    """Read an answer of 3 to its end, which is marked too."""

    def read(opening: str) -> Parsing[None]:
        yield from scan.space()
        if opening == _END:
            if (yield from scan.over()):
                return
            yield from scan.expect(_CALLER + _ROLE)
            yield from scan.space()
        yield from json_call.call(scan)
        yield from scan.closing(_END)

    yield from text_with_calls(scan, (_END, _CALLER + _ROLE), read)


def grammar(
    offer: Offer,
    spelling: Spelling,
    *,
    parallel: bool,  # noqa: ARG001  as GrammarOf
    opening: str,
) -> str:
    """Return the grammar of one call behind its `opening`."""
    rules = Rules(spelling)
    one = rules.either([json_call_rule(rules, tool) for tool in offer.tools])
    return rules.grammar(f"{rules.spelled(opening, (_OPEN, *_MARKERS))} {one}")


def write(name: str, arguments: str, *, opening: str) -> str:
    """Return a call's text."""
    return f'{opening}{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}'


FORMAT = CallFormat(
    "gigachat",
    (_OPEN,),
    parse,
    partial(grammar, opening=_OPEN),
    triggers=(_OPEN,),
    write=partial(write, opening=_OPEN),
)
MESSAGES = CallFormat(
    "gigachat_3",
    _MARKERS,
    parse_messages,
    partial(grammar, opening=_CALL),
    triggers=(_CALL,),
    frames=True,
    write=partial(write, opening=_CALL),
)
