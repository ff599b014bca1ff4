"""Conversations that are kept: a request goes on with what its session holds, and what is new of it
is kept together with the answer, all in one transaction, before the end of the answer is told.

An answer that broke off, since its client left or its model failed, is kept as far as it came;
where nothing had come yet, nothing is kept, so that asking again leaves no question without an
answer. What does not fit the context any more is left out of the prompt, oldest first, unless the
request says otherwise: a client that sends only what is new cannot shorten the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog

from llmd.errors import LlmdError
from llmd.protocol.callers import Caller
from llmd.protocol.sessions import NewMessage
from llmd.server.completions import exchange, schema
from llmd.server.completions.convert import history
from llmd.server.completions.exchange import Exchange
from llmd.services.bundle import Services
from llmd.services.sessions import Sessions


@asynccontextmanager
async def chat(
    services: Services, caller: Caller, asked: schema.ChatRequest, session: str
) -> AsyncIterator[Exchange]:
    """Answer a conversation as `exchange.chat` does, going on with a session; of several choices
    the first one is kept. Raises NotFound for a session that the caller does not see.
    """
    kept = await services.sessions.recall(caller, session)
    known = history.joined([history.recalled(one) for one in kept], asked.messages)
    turn = _Turn(services.sessions, caller, session, known.new)
    turn.name(asked.model or "", _last_model(kept))
    wanted = msgspec.structs.replace(
        asked,
        messages=known.messages,
        context_overflow=asked.context_overflow or "truncate",
    )
    try:
        async with exchange.chat(services, caller, wanted) as under_way:
            turn.follow(under_way)
            yield under_way
    finally:
        await turn.leave()


def _last_model(kept: Sequence[NewMessage]) -> str:
    answers = (one for one in reversed(kept) if one.role == "assistant")
    return str(next((one.metadata_info.get("model", "") for one in answers), ""))


class _Turn:
    """What one request adds to its session."""

    def __init__(
        self, sessions: Sessions, caller: Caller, session: str, new: Sequence[schema.Message]
    ) -> None:
        self._sessions = sessions
        self._caller = caller
        self._session = session
        self._new = [history.kept_form(message) for message in new]
        self._model = self._known_model = ""
        self._exchange: Exchange | None = None
        self._keeping: asyncio.Future[None] | None = None

    def name(self, model: str, before: str) -> None:
        """Say which model was named, if one was, and which answered before."""
        self._model, self._known_model = model, before

    def follow(self, under_way: Exchange) -> None:
        """Keep this answer when it is complete."""
        self._exchange = under_way
        under_way.before_end(self.keep)

    async def keep(self) -> None:
        """Keep all that was said, once."""
        if self._keeping is None:
            self._keeping = self._sessions.finish(self._write())
        # a client that leaves now must not leave half of it, nor have it kept twice
        await asyncio.shield(self._keeping)

    async def leave(self) -> None:
        """Keep what came of an answer that broke off."""
        begun = self._exchange is not None and bool(self._exchange.text)
        if not begun or (self._keeping and self._keeping.done()):
            return
        try:
            await self.keep()
        except LlmdError as error:
            structlog.get_logger("sessions").warning(
                "an answer that broke off could not be kept", reason=str(error)
            )

    async def _write(self) -> None:
        await self._sessions.add_many(self._caller, self._session, [*self._new, self._answer()])
        if self._model and self._model != self._known_model:
            await self._sessions.update(self._caller, self._session, model=self._model)

    def _answer(self) -> NewMessage:
        assert self._exchange is not None  # noqa: S101  nothing is kept before it is followed
        said = self._exchange.first
        told: dict[str, Any] = {"finish_reason": said.reason or "cancelled"}
        if said.reason is None:
            told["partial"] = True
        if self._model:
            told["model"] = self._model
        if calls := said.calls.whole():
            told["tool_calls"] = msgspec.to_builtins(calls)
        return NewMessage(
            role="assistant", content=said.text, tokens=said.tokens, metadata_info=told
        )
