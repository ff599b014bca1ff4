"""Judges constraints: those of a request before it runs, and any on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Json, Proposal
from llmd.protocol.requests import ChatPrompt, GenerateRequest
from llmd.runtime.rehearsal import Rehearsal

_FORCED = ("required", "named")


class Constraints:
    """What answers may be held to."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal

    async def admit(self, requests: Sequence[GenerateRequest]) -> None:
        """Return when every constraint of these requests can be enforced, those of tools that must
        be called as declared included; raise ConstraintRefused for the first that cannot.
        """
        for proposal in demanded(requests):
            await self._rehearsal.check(proposal)

    async def fault(self, proposals: Iterable[Proposal]) -> ConstraintRefused | None:
        """Return why one of these cannot be enforced; None: all can."""
        try:
            for proposal in proposals:
                await self._rehearsal.check(proposal)
        except ConstraintRefused as error:
            return error
        return None


def demanded(requests: Sequence[GenerateRequest]) -> list[Proposal]:
    """Return what these requests demand of their answers; the choices of one prompt share it."""
    constraints = {id(request.constraint): request.constraint for request in requests}
    prompts = {id(request.prompt): request.prompt for request in requests}
    plain = [Proposal(constraint) for constraint in constraints.values() if constraint is not None]
    chats = [prompt for prompt in prompts.values() if isinstance(prompt, ChatPrompt)]
    return plain + [proposal for prompt in chats for proposal in _of_tools(prompt)]


def _of_tools(prompt: ChatPrompt) -> Iterator[Proposal]:
    forced = prompt.tool_choice.mode in _FORCED
    for tool in prompt.tools:
        function = tool.get("function")
        if isinstance(function, dict) and (forced or function.get("strict") is True):
            yield from of_tool(function)


def of_tool(function: dict[str, Any]) -> Iterator[Proposal]:
    """Yield what a function's parameters demand of its calls; nothing without a schema."""
    parameters = function.get("parameters")
    if isinstance(parameters, dict):
        schema = {"type": "object", **parameters}
        yield Proposal(Json(schema), str(function.get("name", "")))
