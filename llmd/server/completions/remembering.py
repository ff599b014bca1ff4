"""Conversations that are kept: a request goes on with what its session holds, and what is new of it
is kept together with the answer, all in one transaction, before the end of the answer is told.

An answer that broke off, since its client left or its model failed, is kept as far as it came;
where nothing had come yet, nothing is kept, so that asking again leaves no question without an
answer. What does not fit the context any more is left out of the prompt, oldest first, unless the
request says otherwise: a client that sends only what is new cannot shorten the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from llmd.errors import InvalidRequest
from llmd.protocol.callers import Caller
from llmd.protocol.models import Medium
from llmd.protocol.sessions import NewMessage, SessionMessage
from llmd.server.completions import exchange, schema
from llmd.server.completions.convert import history
from llmd.server.completions.exchange import Exchange
from llmd.server.completions.record import Record
from llmd.services.bundle import Services


@asynccontextmanager
async def chat(
    services: Services, caller: Caller, asked: schema.ChatRequest, session: str
) -> AsyncIterator[Exchange]:
    """Answer a conversation as `exchange.chat` does, going on with a session; of several choices
    the first one is kept. Raises NotFound for a session that the caller does not see.
    """
    async with recorded(services, asked, Record(services.sessions, caller, session)) as under_way:
        yield under_way


@asynccontextmanager
async def recorded(
    services: Services, asked: schema.ChatRequest, record: Record
) -> AsyncIterator[Exchange]:
    """Do what `chat` does on the terms of a record, which tells what was kept, even of an answer
    that broke off.
    """
    if asked.continue_final_message:
        raise InvalidRequest(
            "A session keeps whole answers; none of them can be continued.",
            param="continue_final_message",
        )
    kept = await services.sessions.recall(record.caller, record.session)
    replaced = _answered(kept) if record.terms.again else []
    standing = kept[: len(kept) - len(replaced)]
    messages = [history.recalled(one) for one in standing]
    if record.terms.whole:
        messages = await _pictured(services, record, asked, standing)
    known = history.joined(messages, asked.messages)
    record.add(known.new, replaced)
    record.name(asked.model or "", _last_model(kept))
    wanted = msgspec.structs.replace(
        asked,
        messages=known.messages,
        context_overflow=asked.context_overflow or "truncate",
        continue_final_message=False,
    )
    try:
        async with exchange.chat(services, record.caller, wanted) as under_way:
            record.follow(under_way)
            yield under_way
    finally:
        await record.leave()


def _last_model(kept: Sequence[NewMessage]) -> str:
    answers = (one for one in reversed(kept) if one.role == "assistant")
    return str(next((one.metadata_info.get("model", "") for one in answers), ""))


def _answered(kept: Sequence[SessionMessage]) -> list[SessionMessage]:
    """Return what follows the last question; raise InvalidRequest where there is none."""
    for count, message in enumerate(reversed(kept)):
        if message.role == "user":
            return list(kept[len(kept) - count :])
    raise InvalidRequest("There is no question to answer again.", hint="Ask one.", param="again")


async def _pictured(
    services: Services, record: Record, asked: schema.ChatRequest, kept: Sequence[SessionMessage]
) -> list[schema.Message]:
    """Return kept messages with the pictures that the model can see again: the newest ones, as many
    as a request may have beside those that it brings.
    """
    plain = [history.recalled(one) for one in kept]
    room = services.media.max_items - len(record.terms.pictures)
    if room <= 0 or not any(one.metadata_info.get("pictures") for one in kept):
        return plain
    if not services.generation.resolve(asked.model, media={Medium.IMAGE}).vision:
        return plain
    found = await services.conversations.pictures(record.caller, record.session, room)
    return [
        history.pictured(message, found.get(one.id, []))
        for message, one in zip(plain, kept, strict=True)
    ]
