"""Kimi K3: an answer is sections, `think`, `response` and `tools`, between tags that are built of
control tokens. Every argument tells its type; all of them can also be one JSON object.

    <|open|>tools<|sep|><|open|>call tool="NAME" index="1"<|sep|>
    <|open|>argument key="KEY" type="string"<|sep|>VALUE<|close|>argument<|sep|>
    <|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>

(without the line breaks). The prompt has opened the first section, `think` or `response`.
"""

from __future__ import annotations

import re
from functools import partial

from llmd.chat.reasoning import KIMI_K3
from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools import json_text
from llmd.chat.tools.calls import text_with_calls
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.kimi_k3_grammar import grammar
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.tagged import Arguments

_OPEN, _CLOSE, _SEPARATOR = "<|open|>", "<|close|>", "<|sep|>"
_END = "<|end_of_msg|>"
_CALL, _CALL_END = f"{_OPEN}call ", f"{_CLOSE}call{_SEPARATOR}"
_ARGUMENT, _ARGUMENT_END = f"{_OPEN}argument ", f"{_CLOSE}argument{_SEPARATOR}"
_JSON, _JSON_END = f"{_OPEN}json ", f"{_CLOSE}json{_SEPARATOR}"
_TOOLS, _RESPONSE = f"{_OPEN}tools{_SEPARATOR}", f"{_OPEN}response{_SEPARATOR}"
_AROUND = (
    _TOOLS,
    f"{_CLOSE}tools{_SEPARATOR}",
    _RESPONSE,
    f"{_CLOSE}response{_SEPARATOR}",
    f'{_OPEN}message role="assistant"{_SEPARATOR}',
    f"{_CLOSE}message{_SEPARATOR}",
    KIMI_K3.closing,
    _END,
)
_ATTRIBUTES = re.compile(r"[^<\n]*")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_LONGEST_ATTRIBUTES = 1024


def parse(scan: Scanner, offer: Offer) -> Parsing[None]:
    """Read an answer to its end; tags of sections are dropped."""

    def read(opening: str) -> Parsing[None]:
        if opening == _CALL:
            yield from _call(scan, offer)

    yield from text_with_calls(scan, (_CALL, *_AROUND), read)


def _call(scan: Scanner, offer: Offer) -> Parsing[None]:
    name = (yield from _attributes(scan)).get("tool", "")
    if not name:
        raise Malformed
    if (yield from scan.closing(_JSON)):
        yield from _object(scan, name)
    else:
        yield from _arguments(scan, offer.tool(name))
    scan.complete += 1


def _object(scan: Scanner, name: str) -> Parsing[None]:
    yield from _attributes(scan)
    yield from scan.space()
    if (yield from scan.peek()) != "{":
        raise Malformed
    scan.begin(name)
    yield from json_text.value(scan, scan.argue)
    yield from scan.closing(_JSON_END)
    yield from scan.closing(_CALL_END)


def _arguments(scan: Scanner, tool: Tool) -> Parsing[None]:
    arguments = Arguments(scan, tool)
    while (yield from scan.closing(_ARGUMENT)):
        said = yield from _attributes(scan)
        if not (key := said.get("key", "")):
            raise Malformed
        text = said["type"] == "string" if "type" in said else None
        yield from arguments.value(key, (_ARGUMENT_END,), text=text)
    if not (yield from scan.closing(_CALL_END)):
        raise Malformed
    arguments.close()


def _attributes(scan: Scanner) -> Parsing[dict[str, str]]:
    """Read the rest of an opening tag; return its attributes."""
    text = yield from scan.word(_ATTRIBUTES, _LONGEST_ATTRIBUTES)
    yield from scan.expect(_SEPARATOR)
    return {
        key: value.replace("&quot;", '"').replace("&amp;", "&")
        for key, value in _ATTRIBUTE.findall(text)
    }


FORMAT = CallFormat(
    "kimi_k3",
    (_OPEN, _CLOSE, _SEPARATOR, _END),
    parse,
    partial(grammar, behind=f"{_CLOSE}response{_SEPARATOR}"),
    triggers=(_TOOLS,),
    triggered=grammar,
    interrupts=(_RESPONSE, _TOOLS),
    frames=True,
    resume=_RESPONSE,
)
