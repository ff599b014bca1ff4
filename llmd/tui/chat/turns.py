"""One turn of a talk: as it is shown, as a request has it, as a session keeps it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from llmd.errors import LlmdError

SYSTEM = ("system", "developer")


class TurnState(StrEnum):
    """How far an answer is; what a person says is always done."""

    ASKING = "asking"
    """Nothing of it has come yet."""
    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"
    """The person ended it; what came counts."""
    BROKEN = "broken"
    """It broke off; what came counts."""
    FAILED = "failed"
    """Nothing of it came, and nothing will."""


@dataclass
class Call:
    """A tool call of an answer."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    """JSON text."""


@dataclass(eq=False)
class Turn:
    """What somebody said. Two that say the same are still two."""

    role: str
    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    call_id: str = ""
    """Of a tool's result: the call it answers."""
    images: list[str] = field(default_factory=list)
    """Paths of pictures."""
    media: int = 0
    """Pictures and sounds that other clients attached, which nobody kept."""
    model: str = ""
    state: TurnState = TurnState.DONE
    finish_reason: str = ""
    error: LlmdError | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    first_token: float | None = None
    """Seconds from the question to the first piece of the answer."""
    trace: str = ""
    """By which lists of requests know it."""
    kept: str = ""
    """Id of the message in its session; empty: it is not kept yet."""
    left_out: bool = False
    """Whether the model does not read it: its question was never answered."""

    @property
    def busy(self) -> bool:
        """Whether more of it is to come."""
        return self.state in {TurnState.ASKING, TurnState.WRITING}

    @property
    def says_something(self) -> bool:
        """Whether there is anything that another turn could follow."""
        return bool(self.text or self.calls) or self.role != "assistant"

    def end(self, state: TurnState, error: LlmdError | None = None) -> None:
        """Note that no more comes; without a word of it, what broke off or was stopped failed."""
        empty = state in {TurnState.BROKEN, TurnState.STOPPED} and not self.says_something
        self.state = TurnState.FAILED if empty else state
        self.error = error
        if state is TurnState.STOPPED:
            self.finish_reason = "stopped"
        elif state is TurnState.BROKEN:
            self.finish_reason = "cancelled"

    def message(self, pictures: Mapping[str, str]) -> dict[str, Any]:
        """Return it as a request has it; `pictures` gives data URLs by path."""
        parts: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": pictures[path]}}
            for path in self.images
            if path in pictures
        ]
        content: Any = [{"type": "text", "text": self.text}, *parts] if parts else self.text
        found: dict[str, Any] = {"role": self.role, "content": content}
        if self.calls:
            found["tool_calls"] = self._calls()
        if self.call_id:
            found["tool_call_id"] = self.call_id
        return found

    def kept_form(self) -> dict[str, Any]:
        """Return it as a session keeps it."""
        told = {
            "model": self.model,
            "finish_reason": self.finish_reason,
            "partial": self.state in {TurnState.BROKEN, TurnState.STOPPED},
            "reasoning": self.reasoning,
            "tool_calls": self._calls(),
            "tool_call_id": self.call_id,
            "images": self.images,
            "media": len(self.images) or self.media,
        }
        return {
            "role": self.role,
            "content": self.text,
            "tokens": self.usage.get("completion_tokens"),
            "metadata_info": {name: value for name, value in told.items() if value},
        }

    def _calls(self) -> list[dict[str, Any]]:
        return [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in self.calls
        ]


def recalled(message: Mapping[str, Any]) -> Turn:
    """Return a kept message; what clients put into its metadata counts where it has that shape."""
    told: Mapping[str, Any] = message.get("metadata_info") or {}
    tokens = message.get("tokens")
    turn = Turn(
        role=str(message["role"]),
        text=str(message["content"]),
        kept=str(message["id"]),
        model=_text(told, "model"),
        finish_reason=_text(told, "finish_reason"),
        reasoning=_text(told, "reasoning"),
        call_id=_text(told, "tool_call_id"),
        images=[path for path in _list(told, "images") if isinstance(path, str)],
        calls=[_call(call) for call in _list(told, "tool_calls") if isinstance(call, dict)],
        usage={"completion_tokens": tokens} if tokens else {},
    )
    media = told.get("media")
    turn.media = media if isinstance(media, int) and not turn.images else 0
    if turn.finish_reason == "stopped":
        turn.state = TurnState.STOPPED
    elif told.get("partial") is True:
        turn.state = TurnState.BROKEN
    return turn


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _list(told: Mapping[str, Any], name: str) -> list[Any]:
    value = told.get(name)
    return value if isinstance(value, list) else []


def _call(found: dict[str, Any]) -> Call:
    function = found.get("function")
    inner = function if isinstance(function, dict) else {}
    return Call(_text(found, "id"), _text(inner, "name"), _text(inner, "arguments"))
