"""Whether a form can be enforced."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from llmd.server.completions.schema import Forms


class ValidateRequest(Forms, frozen=True, kw_only=True):
    """`POST /v1/validate`: what would be enforced if it were part of a request."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "schema": {"type": "object", "properties": {"age": {"type": "integer"}}}
    }
    schema: dict[str, Any] | bool | None = None
    syntax: Literal["gbnf", "lark"] | None = None
    tools: list[dict[str, Any]] = []  # noqa: RUF012  msgspec copies it


class Fault(msgspec.Struct, frozen=True):
    """Why something cannot be enforced: the tool, the JSON path in its schema and the keyword there
    are null where they are not known.
    """

    message: str
    param: str | None = None
    tool: str | None = None
    path: str | None = None
    keyword: str | None = None


class Validity(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a `ValidateRequest`."""

    valid: bool
    error: Fault | None = None
