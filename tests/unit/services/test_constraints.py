from __future__ import annotations

from typing import Any

import pytest

from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Json, Proposal, Regex
from llmd.protocol.requests import ChatPrompt, GenerateRequest, TextPrompt, ToolChoice
from llmd.services.constraints import Constraints, demanded


class Judge:
    """A rehearsal that refuses what says so."""

    def __init__(self) -> None:
        self.asked: list[Proposal] = []

    async def check(self, proposal: Proposal) -> None:
        self.asked.append(proposal)
        if "bad" in str(proposal):
            raise ConstraintRefused("bad", tool=proposal.tool)


def tool(name: str, parameters: object = None, **fields: object) -> dict[str, Any]:
    function = {"name": name, **fields}
    if parameters is not None:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def chat(tools: list[dict[str, Any]], mode: str = "auto") -> GenerateRequest:
    return GenerateRequest(prompt=ChatPrompt([], tools, tool_choice=ToolChoice(mode)))


def test_a_constraint_is_demanded_once_for_all_choices() -> None:
    request = GenerateRequest(prompt=TextPrompt("x"), constraint=Regex("a"))
    assert demanded([request, request]) == [Proposal(Regex("a"))]
    assert demanded([GenerateRequest(prompt=TextPrompt("x"))]) == []


@pytest.mark.parametrize("mode", ["required", "named"])
def test_tools_that_must_be_called_demand_their_parameters(mode: str) -> None:
    request = chat([tool("a", {"properties": {}}), tool("b")], mode)
    expected = [Proposal(Json({"type": "object", "properties": {}}), "a")]
    assert demanded([request, request]) == expected


def test_of_tools_that_may_be_called_only_strict_ones_demand_anything() -> None:
    request = chat([tool("a", {}), tool("b", {}, strict=True), tool("c", {}, strict=False), {}])
    assert [proposal.tool for proposal in demanded([request])] == ["b"]


async def test_a_request_is_refused_for_its_first_bad_demand() -> None:
    judge = Judge()
    constraints = Constraints(judge)  # type: ignore[arg-type]
    await constraints.admit([chat([tool("a", {})], "required")])
    with pytest.raises(ConstraintRefused):
        await constraints.admit([chat([tool("a", {"bad": 1}), tool("b", {})], "required")])
    assert [proposal.tool for proposal in judge.asked] == ["a", "a"]


async def test_a_fault_is_returned_and_not_raised() -> None:
    constraints = Constraints(Judge())  # type: ignore[arg-type]
    assert await constraints.fault([Proposal(Regex("a"))]) is None
    fault = await constraints.fault([Proposal(Regex("a")), Proposal(Regex("bad"), "t")])
    assert fault
    assert fault.details == {"tool": "t"}
