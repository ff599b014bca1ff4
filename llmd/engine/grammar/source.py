r"""Constraints in llguidance's own language.

JSON is compact: where whitespace is free, small models write line breaks for ever. A choice is one
terminal, so that an option may be the beginning of another. Grammars in Lark may hold JSON Schemas
and control tokens of the model; this is how a tool call is constrained:

    start: <tool_call> "\n" (get_weather | get_time) "\n" </tool_call>
    get_weather: "{\"name\": \"get_weather\", \"arguments\": " %json {"type": "object"} "}"
    get_time: ...

A control token is written `<name>` (or `<[id]>`) where it is one token of the vocabulary, as a
string where it is plain text. `"x-guidance": {"whitespace_flexible": false}` in a schema makes its
JSON compact; such schemas come from `Compiler.parameters`, which has checked them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from llguidance import LLMatcher

from llmd.engine.grammar.gbnf import to_lark
from llmd.engine.grammar.gbnf_reader import GbnfError
from llmd.engine.grammar.schema import Place, refused
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Choice, Constraint, Json, Regex

if TYPE_CHECKING:  # the module at run time has no such name
    from llguidance._lib import JsonCompileOptions

LONGEST = 256 * 1024
"""Characters of a constraint."""

_STRICT: JsonCompileOptions = {
    "whitespace_flexible": False,
    "whitespace_pattern": None,
    "item_separator": ",",
    "key_separator": ":",
    "coerce_one_of": False,
    "lenient": False,
}


def source(constraint: Constraint) -> str:
    """Return the constraint as llguidance takes it, a Json one already prepared; raise
    ConstraintRefused when it is too long or no grammar at all.
    """
    if isinstance(constraint, Json):
        return json_source({"type": "object"} if constraint.schema is None else constraint.schema)
    if isinstance(constraint, Regex):
        return LLMatcher.grammar_from_regex(_bounded(constraint.pattern, "regex"))
    if isinstance(constraint, Choice):
        return LLMatcher.grammar_from_lark(_bounded(_alternatives(constraint), "choice"))
    text = _bounded(constraint.text, "grammar")
    return LLMatcher.grammar_from_lark(_lark(text) if constraint.syntax == "gbnf" else text)


def json_source(schema: Any) -> str:
    """Return a schema as llguidance takes it; raise ConstraintRefused."""
    if schema is False:
        raise refused("nothing fits the schema false", Place())
    try:
        text = msgspec.json.encode({} if schema is True else schema).decode()
        return LLMatcher.grammar_from_json_schema(
            _bounded(text, "response_format"), overrides=_STRICT
        )
    except (ValueError, OverflowError, RecursionError) as error:
        raise refused(str(error).split(" at line", 1)[0], Place()) from error


def _bounded(text: str, param: str) -> str:
    if len(text) > LONGEST:
        raise ConstraintRefused(
            f"{param} has {len(text)} characters; at most {LONGEST} can be enforced.", param=param
        )
    return text


def _alternatives(choice: Choice) -> str:
    if not choice.options:
        raise ConstraintRefused("choice has no options.", param="choice")
    options = " | ".join(json.dumps(option, ensure_ascii=False) for option in choice.options)
    return f"start: CHOICE\nCHOICE: {options}"


def _lark(gbnf: str) -> str:
    try:
        return to_lark(gbnf)
    except GbnfError as error:
        raise ConstraintRefused(
            f"The grammar is no valid GBNF: {error}.",
            hint='For a grammar in Lark send "grammar_syntax": "lark".',
            param="grammar",
        ) from error
