"""What an answer may be held to, and whether that can be enforced."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class JsonSchema(msgspec.Struct, frozen=True):
    """A JSON Schema with a name. Answers always keep to it, `strict` or not."""

    name: str = ""
    schema: dict[str, Any] | bool | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    """The form an answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    schema: dict[str, Any] | bool | None = None
    """llama-server's place for a schema."""


class StructuredOutputs(msgspec.Struct, frozen=True):
    """vLLM's way to say one of the constraints in `Forms`."""

    json: dict[str, Any] | str | None = None
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None


class Forms(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer may be held to: at most one of these, some known by several names."""

    response_format: ResponseFormat | None = None
    grammar: str | None = None
    guided_grammar: str | None = None
    grammar_syntax: Literal["gbnf", "lark"] | None = None
    """Left out: GBNF when the grammar has `::=` in it, else Lark."""
    regex: str | None = None
    guided_regex: str | None = None
    choice: list[str] | None = None
    guided_choice: list[str] | None = None
    json_schema: dict[str, Any] | bool | None = None
    guided_json: dict[str, Any] | str | None = None
    """A schema, or its text."""
    structured_outputs: StructuredOutputs | None = None
