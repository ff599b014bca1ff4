"""Chunks of a streamed answer (OpenAI's shape) into a turn. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmd.tui.chat.turns import Call, Turn, TurnState


def take(turn: Turn, chunk: Mapping[str, Any], waited: float) -> bool:
    """Add one chunk that came `waited` seconds after the question; return whether there is more to
    be seen.
    """
    turn.model = chunk.get("model") or turn.model
    turn.usage = chunk.get("usage") or turn.usage
    more = False
    for choice in chunk.get("choices") or ():
        more = _grow(turn, choice.get("delta") or {}) or more
        turn.finish_reason = choice.get("finish_reason") or turn.finish_reason
    if more:
        turn.state = TurnState.WRITING
        turn.first_token = waited if turn.first_token is None else turn.first_token
    return more


def _grow(turn: Turn, delta: Mapping[str, Any]) -> bool:
    text = delta.get("content") or ""
    thought = delta.get("reasoning_content") or ""
    pieces = delta.get("tool_calls") or []
    turn.text += text
    turn.reasoning += thought
    for piece in pieces:
        while len(turn.calls) <= piece["index"]:
            turn.calls.append(Call())
        call, function = turn.calls[piece["index"]], piece.get("function") or {}
        call.id = piece.get("id") or call.id
        call.name += function.get("name") or ""
        call.arguments += function.get("arguments") or ""
    return bool(text or thought or pieces)
