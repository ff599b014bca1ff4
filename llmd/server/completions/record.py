"""What one request adds to its session: what was asked and what was answered, all or nothing, and
once, however it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from llmd.errors import LlmdError
from llmd.protocol.callers import Caller
from llmd.protocol.sessions import Addition, NewMessage, Picture, SessionMessage
from llmd.server.completions import schema
from llmd.server.completions.convert import figures, history
from llmd.server.completions.exchange import Exchange
from llmd.services.sessions import Sessions


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a turn besides what all clients want."""

    again: bool = False
    """Answer the last question of the session anew, in place of what was answered."""
    whole: bool = False
    """Keep pictures, reasoning and figures, and have the model see earlier pictures again."""
    pictures: list[Picture] = []
    """Those of the last message that is asked."""
    asked: dict[str, Any] = {}
    """What else is kept of that message, JSON-ready."""
    told: dict[str, Any] = {}
    """What else is kept of the answer, JSON-ready."""


class Record:
    """The questions and the answer of one request."""

    def __init__(
        self,
        sessions: Sessions,
        caller: Caller,
        session: str,
        terms: Terms = Terms(),  # noqa: B008  frozen
    ) -> None:
        self._sessions = sessions
        self.caller = caller
        self.session = session
        self.terms = terms
        self._new: list[NewMessage] = []
        self._replaced: list[SessionMessage] = []
        self._model = self._known_model = ""
        self._exchange: Exchange | None = None
        self._keeping: asyncio.Future[None] | None = None
        self._asked = time.monotonic()
        self.kept: list[SessionMessage] = []
        """What is in the session now; empty: nothing of this."""
        self.fault: LlmdError | None = None
        """Why what broke off could not be kept."""

    def add(self, new: Sequence[schema.Message], replaced: Sequence[SessionMessage]) -> None:
        """Say what is new besides the answer, and what the answer replaces."""
        self._new = [history.kept_form(message) for message in new]
        self._replaced = list(replaced)

    def name(self, model: str, before: str) -> None:
        """Say which model was named, if one was, and which answered before."""
        self._model, self._known_model = model, before

    def follow(self, under_way: Exchange) -> None:
        """Keep this answer when it is complete."""
        self._exchange = under_way
        if self.terms.whole:
            self._model = under_way.model
        under_way.before_end(self.keep)

    async def keep(self) -> None:
        """Keep all that was said, once."""
        if self._keeping is None:
            self._keeping = self._sessions.finish(self._write())
        # a client that leaves now must not leave half of it, nor have it kept twice
        await asyncio.shield(self._keeping)

    async def leave(self) -> None:
        """Keep what came of an answer that broke off."""
        if not self._begun() or (self._keeping and self._keeping.done()):
            return
        try:
            await self.keep()
        except LlmdError as error:
            self.fault = error
            structlog.get_logger("sessions").warning(
                "an answer that broke off could not be kept", reason=str(error)
            )

    def _begun(self) -> bool:
        if self._exchange is None:
            return False
        first = self._exchange.first
        unseen = self.terms.whole and (first.reasoning or first.calls.whole())
        return bool(first.text or unseen)

    async def _write(self) -> None:
        pictures = self.terms.pictures if self._new else []
        also = Addition(
            model=self._model if self._model != self._known_model else "",
            pictures={len(self._new) - 1: pictures} if pictures else {},
            replaced=[message.id for message in self._replaced],
        )
        messages = [*self._questions(len(pictures)), self._answer()]
        self.kept = await self._sessions.add_many(self.caller, self.session, messages, also)

    def _questions(self, pictures: int) -> list[NewMessage]:
        told = self.terms.asked | ({"pictures": pictures} if pictures else {})
        if not told or not self._new:
            return self._new
        info = self._new[-1].metadata_info | told
        return [*self._new[:-1], msgspec.structs.replace(self._new[-1], metadata_info=info)]

    def _answer(self) -> NewMessage:
        assert self._exchange is not None  # noqa: S101  nothing is kept before it is followed
        under_way, whole = self._exchange, self.terms.whole
        choice = under_way.first
        told = figures.said(choice, reasoning=whole)
        if self._model:
            told["model"] = self._model
        if whole:
            clock = figures.Clock(self._asked, under_way.first_piece, under_way.last_piece)
            told |= figures.figures(choice, under_way.accepted[0], clock) | self.terms.told
        if earlier := figures.versions(self._replaced):
            told["versions"] = earlier
        return NewMessage(
            role="assistant", content=choice.text, tokens=choice.tokens, metadata_info=told
        )
