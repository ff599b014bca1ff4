"""What is to be validated, and the verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmd.errors import ConstraintRefused, InvalidRequest
from llmd.protocol.constraints import Json, Proposal
from llmd.server.completions.convert.constraints import named
from llmd.server.dialects.openai import schema


def proposals(asked: schema.ValidateRequest) -> list[Proposal]:
    """Return all that a request to validate holds, tools included; raise InvalidRequest when that
    is nothing.
    """
    found = [Proposal(constraint) for _, constraint in named(asked, asked.syntax)]
    if asked.schema is not None:
        found.append(Proposal(Json(asked.schema)))
    found += [proposal for index, tool in enumerate(asked.tools) for proposal in _tool(tool, index)]
    if not found and not asked.tools and asked.response_format is None:
        raise InvalidRequest(
            "There is nothing to validate.",
            hint="Send response_format, schema, grammar, regex, choice or tools.",
        )
    return found


def validity(fault: ConstraintRefused | None) -> schema.Validity:
    """Return the answer to a request to validate."""
    if fault is None:
        return schema.Validity(valid=True)
    details = {key: fault.details.get(key) for key in ("tool", "path", "keyword")}
    return schema.Validity(
        valid=False, error=schema.Fault(message=str(fault), param=fault.param, **details)
    )


def _tool(tool: dict[str, Any], index: int) -> Iterator[Proposal]:
    function = tool.get("function", tool)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidRequest("A tool needs a name.", param=f"tools[{index}].function.name")
    parameters = function.get("parameters")
    if isinstance(parameters, dict):
        yield Proposal(Json({"type": "object", **parameters}), function["name"])
