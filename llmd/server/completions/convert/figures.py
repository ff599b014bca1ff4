"""What is kept of an answer beside its text: figures, reasoning, calls, what it replaced. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from llmd.protocol.events import Accepted
from llmd.protocol.sessions import SessionMessage
from llmd.server.completions.convert.answers import Choice

_OLD = (
    "model",
    "finish_reason",
    "partial",
    "reasoning",
    "tool_calls",
    "usage",
    "tokens_per_second",
    "time_to_first_token",
)
"""What stays known of an answer that was replaced."""


class Clock(NamedTuple):
    """When an answer was asked for and when it came, in seconds; 0: it has not."""

    asked: float
    first: float
    last: float


def figures(choice: Choice, accepted: Accepted, clock: Clock) -> dict[str, Any]:
    """Return how long an answer took, as far as it has come."""
    usage = choice.usage
    told: dict[str, Any] = {
        "usage": {
            "prompt_tokens": usage.prompt_tokens or accepted.prompt_tokens,
            "completion_tokens": choice.tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "dropped_tokens": usage.dropped_tokens or accepted.dropped_tokens,
        }
    }
    if clock.first:
        told["time_to_first_token"] = round(clock.first - clock.asked, 3)
    # the worker's clock counts once it is known: pieces may come late, and several at once
    seconds = usage.decode_seconds or clock.last - clock.first
    if choice.tokens > 1 and seconds > 0:
        told["tokens_per_second"] = round((choice.tokens - 1) / seconds, 2)
    return told


def versions(replaced: Sequence[SessionMessage]) -> list[dict[str, Any]]:
    """Return the answers that a new one stands for, oldest first, those before them included."""
    found: list[dict[str, Any]] = []
    for message in replaced:
        if message.role != "assistant":
            continue
        info = message.metadata_info
        earlier = info.get("versions", [])
        found += earlier if isinstance(earlier, list) else []
        told = {name: info[name] for name in _OLD if name in info}
        found.append({"content": message.content, "created_at": message.created_at, **told})
    return found


def said(choice: Choice, *, reasoning: bool) -> dict[str, Any]:
    """Return how an answer ended, what it called, and if wanted what it thought."""
    told: dict[str, Any] = {"finish_reason": choice.reason or "cancelled"}
    if choice.reason is None:
        told["partial"] = True
    if calls := choice.calls.whole():
        told["tool_calls"] = msgspec.to_builtins(calls)
    if reasoning and choice.reasoning:
        told["reasoning"] = choice.reasoning
    return told
