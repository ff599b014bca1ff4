"""What a chat request says about tools and reasoning, under all the names that clients use, to the
native wishes; and native calls to OpenAI's objects. Pure.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from llmd.errors import InvalidRequest
from llmd.protocol.events import CallDelta
from llmd.protocol.requests import Reasoning, ToolChoice
from llmd.server.completions import schema

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
# what templates know; OpenAI has more steps at both ends
_EFFORTS = {"minimal": "low", "xhigh": "high"}


def tools(request: schema.ChatRequest) -> list[dict[str, Any]]:
    """Return the tools that may be called; raise InvalidRequest."""
    given = request.tools or []
    names: set[str] = set()
    for index, tool in enumerate(given):
        name = tool.function.name
        if name in names:
            raise InvalidRequest(
                f"There are two tools of the name {name}.", param=f"tools[{index}].function.name"
            )
        names.add(name)
        if (tool.function.parameters or {}).get("type", "object") != "object":
            raise InvalidRequest(
                "The parameters of a tool are an object.",
                param=f"tools[{index}].function.parameters.type",
            )
    return [] if request.tool_choice == "none" else [_tool(tool.function) for tool in given]


def _tool(function: schema.Function) -> dict[str, Any]:
    """Return a tool with all that templates print, left out or not."""
    plain: dict[str, Any] = {
        "name": function.name,
        "description": function.description or "",
        "parameters": function.parameters or _NO_PARAMETERS,
    }
    if function.strict is not None:
        plain["strict"] = function.strict
    return {"type": "function", "function": plain}


def choice(request: schema.ChatRequest) -> ToolChoice:
    """Return whether and which tools must be called; raise InvalidRequest for one that is not
    there.
    """
    wanted = request.tool_choice or "auto"
    parallel = request.parallel_tool_calls is not False
    if isinstance(wanted, str):
        if wanted == "required" and not request.tools:
            raise InvalidRequest(
                "tool_choice is required, but there are no tools.", param="tool_choice"
            )
        return ToolChoice(wanted, parallel=parallel)
    name = wanted.function.name
    if all(tool.function.name != name for tool in request.tools or []):
        raise InvalidRequest(
            f"tool_choice names {name[:100]}, which is not among the tools.", param="tool_choice"
        )
    return ToolChoice("named", name, parallel=parallel)


def reasoning(request: schema.ChatRequest) -> Reasoning:
    """Return how the model may reason."""
    return Reasoning(
        enabled=_enabled(request),
        budget=_budget(request),
        separate=request.reasoning_format != "none",
    )


def template_arguments(request: schema.ChatRequest) -> dict[str, Any]:
    """Return variables for the template: the request's own, and the effort of reasoning."""
    effort = request.reasoning_effort
    asked = {} if effort in {None, "none"} else {"reasoning_effort": _EFFORTS.get(effort, effort)}
    return {**asked, **(request.chat_template_kwargs or {})}


def _enabled(request: schema.ChatRequest) -> bool | None:
    if request.enable_thinking is not None:
        return request.enable_thinking
    if request.thinking is not None:
        return request.thinking.type == "enabled"
    if request.reasoning_effort == "none":
        return False
    own = (request.chat_template_kwargs or {}).get("enable_thinking")
    return own if isinstance(own, bool) else None


def _budget(request: schema.ChatRequest) -> int | None:
    named = (
        request.reasoning_budget,
        request.reasoning_budget_tokens,
        request.thinking_budget_tokens,
        request.thinking.budget_tokens if request.thinking else None,
    )
    given = [budget for budget in named if budget is not None]
    return given[0] if given and given[0] >= 0 else None


class Calls:
    """The calls of one answer as far as they have come."""

    def __init__(self) -> None:
        self._found: dict[int, list[str]] = {}

    def take(self, deltas: list[CallDelta]) -> None:
        """Add pieces of calls."""
        for delta in deltas:
            call = self._found.setdefault(delta.index, ["", "", ""])
            call[0] += delta.id
            call[1] += delta.name
            call[2] += delta.arguments

    def whole(self) -> list[schema.ToolCall]:
        """Return all calls, complete."""
        return [
            schema.ToolCall(schema.FunctionCall(name, arguments), call_id)
            for _, (call_id, name, arguments) in sorted(self._found.items())
        ]


def pieces(deltas: list[CallDelta]) -> list[schema.ToolCallPiece]:
    """Return what a streamed chunk says of calls."""
    return [
        schema.ToolCallPiece(
            delta.index,
            schema.FunctionPiece(delta.arguments, delta.name or UNSET),
            delta.id or UNSET,
            "function" if delta.id else UNSET,
        )
        for delta in deltas
    ]
