"""Reads texts in any number of pieces, and writes what grammars force at random."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np
import numpy.typing as npt

from llmd.chat.reader import AnswerReader, Layout
from llmd.chat.reasoning import (
    APERTUS,
    COMMAND_R,
    GEMMA,
    HARMONY,
    HUNYUAN,
    KIMI_K3,
    MINIMAX,
    MUSE,
    SEED,
    SOLAR,
    Thinking,
)
from llmd.chat.scanning import Scanner
from llmd.chat.tools import registry
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.lark import Spelling
from llmd.chat.tools.offer import Offer, Tool


def schema(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    described = {
        name: kind if isinstance(kind, dict) else {"type": kind}
        for name, kind in properties.items()
    }
    return {"type": "object", "properties": described, "required": list(required)}


# the tools that llama.cpp's own tests of these formats offer
OFFER = Offer(
    (
        Tool("special_function", schema(["arg1"], arg1="integer")),
        Tool("special_function_with_opt", schema(["arg1"], arg1="integer", arg2="integer")),
        Tool("empty_args", schema()),
        Tool("empty_args_no_props", {"type": "object"}),
        Tool("python", schema(["code"], code="string")),
        Tool("html", schema(["markup"], markup="string")),
        Tool("get_time", schema(["city"], city="string")),
        Tool("get_weather", schema(["city"], city="string")),
        Tool("todo_list", schema(["todos"], todos="array")),
        Tool(
            "edit",
            schema(
                ["filename", "oldString", "newString"],
                filename="string",
                oldString="string",
                newString="string",
            ),
        ),
        Tool("run_in_terminal", schema(["command"], command="string")),
        Tool("magic_int", schema(["ref"], ref="integer", name="string")),
        Tool("amount", schema(["orig"], orig="number")),
        Tool("toggle", schema(["enabled"], enabled="boolean")),
        Tool("set_nullable", schema(["value"], value="null")),
        Tool("set_config", schema(["config"], config="object")),
        Tool(
            "Calendar.create_event",
            schema(["title"], title="string", participants="array", metadata="object"),
        ),
        Tool("nested_args", schema(["tags", "entries"], tags="array", entries="array")),
        Tool("set_nullable_str", schema(["name"], name={"type": ["string", "null"]})),
        Tool("set_nullable_int", schema(["count"], count={"type": ["integer", "null"]})),
        Tool(
            "set_union",
            schema(value={"type": ["string", "object"]}, amount={"type": ["string", "integer"]}),
        ),
        Tool("set_unit", schema(["unit"], unit={"enum": ["celsius", "fahrenheit"]})),
        Tool(
            "tool_2req_4opt",
            schema(["req1", "req2"], req1="string", req2="integer", opt2="integer", opt4="integer"),
        ),
    )
)

FORMS: dict[str, CallFormat] = {form.name: form for form, _ in registry._BY_MARKS}
FORMS["generic"] = registry.generic.FORMAT
THINKING: dict[str, Thinking] = {
    "harmony": HARMONY,
    "gemma": GEMMA,
    "command_r": COMMAND_R,
    "seed": SEED,
    "apertus": APERTUS,
    "hunyuan": HUNYUAN,
    "kimi_k3": KIMI_K3,
    "solar": SOLAR,
    "minimax_m3": MINIMAX,
    "muse": MUSE,
}


WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["c", "f"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "place": {
            "type": "object",
            "properties": {"x": {"type": "number"}, "deep": {"$ref": "#/$defs/deep"}},
            "required": ["x"],
            "additionalProperties": False,
        },
        "note": {"type": ["string", "null"]},
        "always": {"const": "yes"},
    },
    "required": ["city", "days", "unit"],
    "additionalProperties": False,
    "$defs": {"deep": {"anyOf": [{"type": "boolean"}, {"type": "string"}]}},
}

Call = tuple[str, Any]


@dataclass
class Read:
    """What became of a text; arguments that are JSON are shown as what they say."""

    text: str
    reasoning: str
    calls: list[Call]
    ids: list[str]
    ended: bool


def scanner(text: str) -> Scanner:
    """Return a scanner that has a whole text."""
    scan = Scanner(lambda: "id")
    scan.add(text)
    scan.finish()
    return scan


def layout(form: CallFormat, **wishes: Any) -> Layout:
    return Layout(form, wishes.pop("offer", OFFER), **wishes)


def read(form: CallFormat, text: str, *, cuts: Sequence[int] = (), **wishes: Any) -> Read:
    """Read a text in the pieces that `cuts` make of it."""
    numbers = itertools.count(1)
    reader = AnswerReader(layout(form, **wishes), frozenset(), lambda: f"call_{next(numbers)}")
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    portions = [reader.push(text[start:end]) for start, end in itertools.pairwise(edges)]
    ended = reader.ended
    portions.append(reader.close())
    calls: dict[int, list[str]] = {}
    for delta in (delta for portion in portions for delta in portion.calls):
        call = calls.setdefault(delta.index, ["", "", ""])
        for place, more in enumerate((delta.id, delta.name, delta.arguments)):
            call[place] += more
    return Read(
        "".join(portion.text for portion in portions),
        "".join(portion.reasoning for portion in portions),
        [(name, said(arguments)) for _, name, arguments in calls.values()],
        [call_id for call_id, _, _ in calls.values()],
        ended,
    )


def said(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def calls_of(form: CallFormat, text: str, **wishes: Any) -> list[Call]:
    """Return the calls in a text that is nothing but calls."""
    found = read(form, text, **wishes)
    assert (found.text, found.reasoning) == ("", "")
    return found.calls


class Bytes:
    """A vocabulary of 256 bytes, an end, and control tokens."""

    def __init__(self, markers: Sequence[str]) -> None:
        self.tokens = [bytes([byte]) for byte in range(256)] + [b"<end>"]
        self.tokens += [marker.encode() for marker in markers]
        self.eos_token_id = 256
        self.bos_token_id = None
        self.special_token_ids = list(range(256, len(self.tokens)))

        self._marks = {marker: 257 + place for place, marker in enumerate(markers)}

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text if isinstance(text, bytes) else text.encode())

    def marked(self, text: str) -> list[int]:
        """Return the tokens of a text, control tokens where it has theirs."""
        tokens: list[int] = []
        while text:
            mark = next((mark for mark in self._marks if text.startswith(mark)), "")
            tokens += [self._marks[mark]] if mark else text[0].encode()
            text = text[len(mark or text[0]) :]
        return tokens


def spelling(markers: Sequence[str]) -> Spelling:
    known = list(markers)
    return lambda marker: f"<[{257 + known.index(marker)}]>" if marker in known else None


def written(grammar: str, markers: Sequence[str], seed: int, longest: int = 1200) -> str | None:
    """Write what a grammar allows at random, from letters and marks; None when it does not end."""
    vocabulary, tokenizer = _tokenizer(tuple(markers))
    matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    mask = llguidance.numpy.allocate_token_bitmask(1, tokenizer.vocab_size)
    random, out = Random(seed), b""
    while len(out) < longest and not matcher.is_stopped():
        llguidance.numpy.fill_next_token_bitmask(matcher, mask)
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
        token = _pick(random, np.flatnonzero(bits[: tokenizer.vocab_size]))
        if token == vocabulary.eos_token_id:
            return out.decode()
        out += vocabulary.tokens[token]
        matcher.consume_token(token)
    return out.decode() if matcher.is_stopped() else None


def accepts(grammar: str, text: str, markers: Sequence[str] = (), *, letters: str = "") -> bool:
    """Whether a grammar takes `letters` and then a text, in which markers are tokens, from
    beginning to end.
    """
    vocabulary, tokenizer = _tokenizer(tuple(markers))
    matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    tokens = [*vocabulary(letters), *vocabulary.marked(text)]
    taken: int = matcher.try_consume_tokens(tokens)
    return taken == len(tokens) and bool(matcher.is_accepting())


@functools.cache
def _tokenizer(markers: tuple[str, ...]) -> tuple[Bytes, llguidance.LLTokenizer]:
    vocabulary = Bytes(markers)
    return vocabulary, llguidance.LLTokenizer(llguidance.TokenizerWrapper(vocabulary))


_CLOSING = np.array([token >= 256 or chr(token) in "\"'}])>\n</`" for token in range(1024)])
_PLAIN = np.array([32 <= token < 127 or token >= 256 for token in range(1024)])


def _pick(random: Random, allowed: npt.NDArray[np.int64]) -> int:
    """Choose a token, with a leaning to whatever brings things to their end."""
    closing = allowed[_CLOSING[allowed]]
    wanted = closing if random.random() < 0.4 else allowed[_PLAIN[allowed]]
    return int(random.choice(next(some for some in (wanted, closing, allowed) if some.size)))
