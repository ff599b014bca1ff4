"""What an answer must look like, whatever dialect asked for it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Json(msgspec.Struct, frozen=True, tag="json"):
    """JSON that a schema describes; `schema` None: any JSON object."""

    schema: dict[str, Any] | bool | None = None


class Regex(msgspec.Struct, frozen=True, tag="regex"):
    """Text that matches this pattern from its first to its last character; the syntax is that of
    Rust's regex crate, which has no look-around.
    """

    pattern: str


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    """One of these texts."""

    options: list[str]


class Grammar(msgspec.Struct, frozen=True, tag="grammar"):
    """Text that a grammar derives: llama.cpp's GBNF, or Lark as llguidance reads it."""

    text: str
    syntax: Literal["gbnf", "lark"] = "gbnf"


Constraint = Json | Regex | Choice | Grammar


class Proposal(msgspec.Struct, frozen=True):
    """A constraint to be tried before it reaches a model."""

    constraint: Constraint
    tool: str = ""
    """The tool whose parameters it describes, if any."""
