"""Tools that may be called, and the calls of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

ToolName = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[\w.:/-]+$")]


class Function(msgspec.Struct, frozen=True):
    """A function that the model may call."""

    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    """A JSON schema of an object; None: it takes no arguments."""
    strict: bool | None = None


class ToolDefinition(msgspec.Struct, frozen=True):
    """A tool; functions are the only kind."""

    type: Literal["function"]
    function: Function


class NamedFunction(msgspec.Struct, frozen=True):
    """A function by its name."""

    name: str


class NamedTool(msgspec.Struct, frozen=True):
    """The tool that must be called."""

    type: Literal["function"]
    function: NamedFunction


class FunctionCall(msgspec.Struct, frozen=True):
    """A call: in requests with arguments as text or as they are, in answers as JSON text."""

    name: str
    """In a conversation it may be any: models call tools that nobody offered."""
    arguments: str | dict[str, Any] | None = None


class ToolCall(msgspec.Struct, frozen=True):
    """A call with the id that its result will refer to."""

    function: FunctionCall
    id: str | None = None
    type: Literal["function"] = "function"


class FunctionPiece(msgspec.Struct, frozen=True):
    """More of a call; the first piece has the name."""

    arguments: str
    name: str | UnsetType = UNSET


class ToolCallPiece(msgspec.Struct, frozen=True):
    """More of the call at `index`; the first piece has id and type."""

    index: int
    function: FunctionPiece
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
