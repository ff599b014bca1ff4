"""The answers that the chat page asks for, from a model's events to what pages are told.

Kinds of events: `state` (`queued`, `loading`, `reading`, `writing`), `reasoning` and `text` (a
piece), `tool` (a piece of a call), and one of `done` and `failed` at the end. A question of which
no answer came is not in its session (see remembering); the turn has it for an hour, unless
something else is asked, and `failed` says `kept: false`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from llmd.errors import LlmdError, RequestCancelled
from llmd.protocol.events import Accepted, Delta, Event, Queued, Reading
from llmd.protocol.models import ModelState
from llmd.server.completions import remembering, schema
from llmd.server.completions.exchange import Exchange
from llmd.server.completions.record import Record
from llmd.server.web import talk
from llmd.services.bundle import Services
from llmd.services.turns import Turn, told


async def answer(services: Services, asked: schema.ChatRequest, record: Record, turn: Turn) -> None:
    """Have a question answered, and tell the turn how it goes and how it ends."""
    error: LlmdError | None = None
    turn.tell("state", {"state": "queued" if _loaded(services, asked) else "loading"})
    try:
        async with remembering.recorded(services, asked, record) as under_way:
            await _follow(turn, under_way)
    except LlmdError as failure:
        error = failure
    except asyncio.CancelledError:
        error = turn.cut
        if error is None:
            raise
    end(turn, record, error)


async def _follow(turn: Turn, under_way: Exchange) -> None:
    accepted, writing = under_way.accepted[0], False
    turn.tell("state", _place(accepted.queue_position, accepted.estimated_wait))
    async for event in under_way.events():
        if isinstance(event, Delta) and not writing:
            turn.tell("state", {"state": "writing"})
            writing = True
        tell(turn, event, accepted)


def tell(turn: Turn, event: Event, accepted: Accepted) -> None:
    """Tell what one event means."""
    match event:
        case Queued(position, wait):
            turn.tell("state", _place(position, wait))
        case Reading(tokens):
            reading = {"state": "reading", "read": tokens, "prompt": accepted.prompt_tokens}
            turn.tell("state", reading)
        case Delta():
            _write(turn, event)


def end(turn: Turn, record: Record, error: LlmdError | None) -> None:
    """Tell how a turn ended. One that somebody stopped is done with what came of it."""
    kept = [talk.message(message) for message in record.kept]
    stopped = isinstance(turn.cut, RequestCancelled)
    error = record.fault or (None if stopped and kept else error)
    facts: dict[str, Any] = {}
    if kept:
        questions = [one for one in kept if one["role"] == "user"]
        facts = {"question": questions[-1] if questions else None}
    if error is None:
        turn.finish("done", {"message": kept[-1], **facts}, kept=True)
        return
    if kept:
        facts["answer"] = kept[-1]
    turn.finish("failed", {**told(error), "kept": bool(kept), **facts}, kept=bool(kept))


def stopped() -> RequestCancelled:
    """Return why a turn is cut off that somebody stopped; it is told where nothing had come."""
    return RequestCancelled("The answer was stopped before it began.", hint="Ask again.")


def _write(turn: Turn, delta: Delta) -> None:
    if delta.reasoning:
        turn.write("reasoning", "text", delta.reasoning)
    if delta.text:
        turn.write("text", "text", delta.text)
    for call in delta.calls:
        turn.write("tool", "arguments", call.arguments, {"index": call.index, "name": call.name})


def _place(position: int, wait: float) -> dict[str, Any]:
    if position > 0 or wait > 0:
        return {"state": "queued", "position": position, "wait": round(wait, 1)}
    return {"state": "reading"}


def _loaded(services: Services, asked: schema.ChatRequest) -> bool:
    try:
        name = services.generation.resolve(asked.model).name
    except LlmdError:
        return True  # it is refused in a moment
    loaded = {one.name: one.state for one in services.residents.models()}
    return loaded.get(name) is ModelState.READY
