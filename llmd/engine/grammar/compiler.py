"""Compiles constraints for one vocabulary, once each, within limits; says why one is refused.

llguidance bounds what one token may cost, and these limits are tighter than its own because a slow
mask holds up every sequence of the batch. Compiling ends with a first mask, so that a grammar that
allows nothing is refused here and not in the middle of a batch.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from llmd.engine.grammar.matcher import Matcher, first_line
from llmd.engine.grammar.schema import Place, blame, prepared, refused
from llmd.engine.grammar.source import json_source, source
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Choice, Constraint, Grammar, Json, Regex

_KEPT = 32
_QUIET = 0
_UNKNOWN_KEYWORDS = re.compile(r"Unimplemented keys: (\[.*?\])")
_QUOTED = re.compile(r'"([^"]*)"')
_PARAMS = {Json: "response_format", Regex: "regex", Choice: "choice", Grammar: "grammar"}


def limits() -> LLParserLimits:
    """Return what compiling and one token may cost: about 10 ms a token at the very worst."""
    return LLParserLimits(step_lexer_fuel=100_000, step_max_items=20_000, verbose_errors=False)


class Compiler:
    """Compiles constraints; remembers the latest ones, refusals too. For one thread."""

    def __init__(self, tokenizer: Callable[[], LLTokenizer]) -> None:
        """Call `tokenizer` when the first constraint comes: it may take a second."""
        self._make = tokenizer
        self._tokenizer: LLTokenizer | None = None
        self._compiled: OrderedDict[bytes, LLMatcher | ConstraintRefused] = OrderedDict()

    @property
    def tokenizer(self) -> LLTokenizer:
        """The vocabulary, made when it is first needed."""
        if self._tokenizer is None:
            self._tokenizer = self._make()
        return self._tokenizer

    def matcher(self, constraint: Constraint, tool: str = "") -> Matcher:
        """Return a matcher at the start of an answer; raise ConstraintRefused, which names `tool`
        when the constraint is that of a tool's parameters.
        """
        constraint, text = self._source(constraint, tool)
        key = hashlib.sha256(f"{tool}\0{text}".encode()).digest()
        found = self._compiled.pop(key, None) or self._compile(constraint, text, tool)
        self._compiled[key] = found
        if len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        if isinstance(found, ConstraintRefused):
            raise found
        return Matcher(found.deep_copy(), self.tokenizer)

    def parameters(self, schema: dict[str, Any], tool: str) -> dict[str, Any]:
        """Return the schema of a tool's parameters, ready to stand in a Lark grammar behind
        `%json`; raise ConstraintRefused.
        """
        self.matcher(Json(schema), tool)
        return prepared(schema)

    def _source(self, constraint: Constraint, tool: str) -> tuple[Constraint, str]:
        """Return the constraint prepared, and as llguidance takes it."""
        try:
            ready = _prepared(constraint)
            return ready, source(ready)
        except ConstraintRefused as error:
            if not tool:
                raise
            place = Place(error.details.get("path", "$"), error.details.get("keyword", ""))
            reason = error.message.partition(": ")[2].rpartition(" (at ")[0] or error.message
            raise refused(reason, place, tool) from error

    def _compile(
        self, constraint: Constraint, text: str, tool: str
    ) -> LLMatcher | ConstraintRefused:
        state, reason = self._try(text)
        if not reason:
            return state
        if isinstance(constraint, Json):
            schema = constraint.schema
            place = blame(schema, lambda part: self._try(json_source(part))[1])
            return refused(reason, place, tool)
        param = _PARAMS[type(constraint)]
        hint = "Simplify it, or correct its syntax."
        return ConstraintRefused(f"{param} cannot be enforced: {reason}.", hint=hint, param=param)

    def _try(self, text: str) -> tuple[LLMatcher, str]:
        """Compile, and ask for a first token; return why that failed, or an empty text."""
        state = LLMatcher(self.tokenizer, text, log_level=_QUIET, limits=limits())
        if not state.is_error():
            allowed = state.compute_bitmask()
            if not state.is_error() and not any(allowed):
                return state, "nothing can fulfil it"
        return state, _reason(state.get_error()) if state.is_error() else ""


def _prepared(constraint: Constraint) -> Constraint:
    if isinstance(constraint, Json) and isinstance(constraint.schema, dict):
        return Json(prepared(constraint.schema))
    return constraint


def _reason(message: str) -> str:
    """Return llguidance's error in words that help."""
    if message.startswith("NoExtension"):
        return "nothing can fulfil it"
    if unknown := _UNKNOWN_KEYWORDS.search(message):
        names = ", ".join(_QUOTED.findall(unknown[1]))
        return f"llmd cannot keep an answer to the keyword {names}"
    if "coerce_one_of" in message:
        return "oneOf is possible only where its options exclude each other by type or constant"
    inner = re.search(r"^error: (.*)$", message, re.MULTILINE)
    return f"{first_line(message)} {inner[1]}" if inner else first_line(message)
