"""What a request says about the form of its answer, under all the names that clients use, to one
native constraint. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from llmd.errors import InvalidRequest
from llmd.protocol.constraints import (
    Choice,
    Constraint,
    Grammar,
    Json,
    Regex,
)
from llmd.server.completions import schema

Named = tuple[str, Constraint]
Syntax = Literal["gbnf", "lark"]


def constraint(forms: schema.Forms) -> Constraint | None:
    """Return what the answer is held to; raise InvalidRequest when a request says it twice."""
    found = list(named(forms))
    if len(found) > 1:
        names = " and ".join(name for name, _ in found)
        raise InvalidRequest(
            f"An answer can have one form only, and the request has {names}.",
            hint="Leave out all but one.",
            param=found[1][0],
        )
    return found[0][1] if found else None


def named(forms: schema.Forms, syntax: Syntax | None = None) -> Iterator[Named]:
    """Yield every form that is asked for with the field that does; `syntax` is that of grammars
    where it is said elsewhere.
    """
    if forms.response_format is not None:
        yield from _response_format(forms.response_format)
    if forms.json_schema is not None:
        yield "json_schema", Json(forms.json_schema)
    yield from _json_text("guided_json", forms.guided_json)
    yield from _texts(forms, syntax or forms.grammar_syntax)
    for name, options in (("choice", forms.choice), ("guided_choice", forms.guided_choice)):
        if options is not None:
            yield name, Choice(options)
    if forms.structured_outputs is not None:
        yield from _structured(forms.structured_outputs)


def _texts(forms: schema.Forms, syntax: Syntax | None) -> Iterator[Named]:
    for name, pattern in (("regex", forms.regex), ("guided_regex", forms.guided_regex)):
        if pattern is not None:
            yield name, Regex(pattern)
    for name, text in (("grammar", forms.grammar), ("guided_grammar", forms.guided_grammar)):
        if text:  # clients of llama-server send an empty one for none
            yield name, _grammar(text, syntax)


def _response_format(asked: schema.ResponseFormat) -> Iterator[Named]:
    if asked.type == "json_object":
        yield "response_format", Json(asked.schema)
    elif asked.type == "json_schema":
        inner = asked.json_schema.schema if asked.json_schema else None
        wanted = asked.schema if inner is None else inner
        if wanted is None:
            raise InvalidRequest(
                "response_format json_schema has no schema.",
                hint='Send {"type": "json_schema", "json_schema": {"name": ..., "schema": {...}}}.',
                param="response_format.json_schema.schema",
            )
        yield "response_format", Json(wanted)


def _structured(asked: schema.StructuredOutputs) -> Iterator[Named]:
    yield from _json_text("structured_outputs.json", asked.json)
    if asked.json_object:
        yield "structured_outputs.json_object", Json()
    if asked.regex is not None:
        yield "structured_outputs.regex", Regex(asked.regex)
    if asked.choice is not None:
        yield "structured_outputs.choice", Choice(asked.choice)
    if asked.grammar:
        yield "structured_outputs.grammar", _grammar(asked.grammar, None)


def _json_text(name: str, value: dict[str, Any] | str | None) -> Iterator[Named]:
    if isinstance(value, str):
        try:
            yield name, Json(msgspec.json.decode(value, type=dict[str, Any] | bool))
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidRequest(f"{name} is no JSON schema: {error}.", param=name) from error
    elif value is not None:
        yield name, Json(value)


def _grammar(text: str, syntax: Syntax | None) -> Grammar:
    return Grammar(text, syntax or ("gbnf" if "::=" in text else "lark"))
