"""Conversations that are kept: made, listed, read, added to and deleted by those they belong to."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog

from llmd.errors import InvalidRequest, LlmdError, NotFound
from llmd.protocol.callers import Caller
from llmd.protocol.sessions import Addition, NewMessage, Session, SessionMessage
from llmd.services import session_checks as checks
from llmd.services.titles import title_of
from llmd.storage.sessions import SessionRepository

# names for types, since a method is called `list`
Page = list[Session]
Messages = list[SessionMessage]
History = list[dict[str, str]]

LONGEST_PAGE = checks.LONGEST_PAGE
LONGEST_TITLE = checks.LONGEST_TITLE

_BEGINNING = re.compile(r"[0-9a-f-]{4,36}", re.ASCII)
_PURGED_AT_ONCE = 1000


class Sessions:
    """All kept conversations.

    A session belongs to the caller's account, or to their API key where it has none; on an open
    daemon all share what is there. The owner of the machine and admins see everybody's. Methods
    raise NotFound for a session that the caller does not see, InvalidRequest for values that cannot
    be, NoRoom when the disk is full, and StorageFailed when the database cannot be used.
    """

    def __init__(
        self, repository: SessionRepository, clock: Callable[[], float] = time.time
    ) -> None:
        """Keep the rows' repository; `clock` gives seconds since 1970."""
        self._repository = repository
        self._clock = clock
        self._finishing: set[asyncio.Future[None]] = set()
        self._purging: asyncio.Future[None] | None = None
        self._purge_again = False

    def start(self) -> None:
        """Go on deleting what an earlier daemon had begun to delete."""
        self._purge_soon()

    def finish(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Begin what has to come to its end even when whoever asked for it is gone; `close` waits
        for it.
        """
        begun = asyncio.ensure_future(work)
        self._finishing.add(begun)
        begun.add_done_callback(self._finishing.discard)
        return begun

    async def close(self) -> None:
        """Wait for what is being kept, and stop deleting; the next daemon goes on."""
        while self._finishing:
            await asyncio.wait(self._finishing)
        if self._purging:
            self._purging.cancel()
            with suppress(asyncio.CancelledError):
                await self._purging

    async def create(self, caller: Caller, title: str = "", model: str = "") -> Session:
        """Make a session; without a title its first user message gives it one."""
        now = self._clock()
        session = Session(
            id=str(uuid4()),
            title=checks.title_text(title),
            owner=checks.whose(caller),
            created_at=now,
            updated_at=now,
            model=checks.whole_text(model, "model"),
        )
        await self._repository.create(session)
        return session

    async def list(
        self,
        caller: Caller,
        skip: int = 0,
        limit: int = 100,
        *,
        active_only: bool = True,
        words: str = "",
    ) -> Page:
        """Return sessions, those first that changed last; with `words` those in whose title or
        messages they stand.
        """
        checks.check_page(skip, limit)
        return await self._repository.list(
            checks.seen(caller),
            skip,
            limit,
            active_only=active_only,
            words=checks.words_text(words),
        )

    async def get(self, caller: Caller, session: str) -> Session:
        """Return one session."""
        found = await self._repository.get(checks.seen(caller), checks.identity(session))
        return found or checks.missing(session)

    async def find(self, caller: Caller, name: str) -> Session:
        """Return the session of that id, or whose id begins so and no other one's, or the newest of
        that title.
        """
        if checks.ID.fullmatch(name.lower()):
            return await self.get(caller, name)
        beginning = name.lower() if _BEGINNING.fullmatch(name.lower()) else ""
        found = await self._repository.named(
            checks.seen(caller), checks.whole_text(name, "title"), beginning
        )
        if len(found) > 1:
            raise InvalidRequest(
                f"Several sessions have ids that begin with {name}.", hint="Give more of it."
            )
        return found[0] if found else checks.missing(name)

    async def update(
        self,
        caller: Caller,
        session: str,
        title: str | None = None,
        is_active: bool | None = None,  # noqa: FBT001  a field of the session
        model: str | None = None,
    ) -> Session:
        """Change what is given and return the session."""
        changes: dict[str, str | bool | float] = {"updated_at": self._clock()}
        if title is not None:
            changes["title"] = checks.title_text(title)
        if is_active is not None:
            changes["is_active"] = is_active
        if model is not None:
            changes["model"] = checks.whole_text(model, "model")
        found = await self._repository.update(
            checks.seen(caller), checks.identity(session), changes
        )
        return found or checks.missing(session)

    async def delete(self, caller: Caller, session: str) -> None:
        """Delete a session; it is gone at once, its messages go in the background."""
        if not await self._repository.doom(checks.seen(caller), checks.identity(session)):
            checks.missing(session)
        self._purge_soon()

    async def add(self, caller: Caller, session: str, message: NewMessage) -> SessionMessage:
        """Append one message."""
        return (await self.add_many(caller, session, [message]))[0]

    async def add_many(
        self,
        caller: Caller,
        session: str,
        new: Sequence[NewMessage],
        also: Addition = Addition(),  # noqa: B008  frozen
    ) -> Messages:
        """Append messages and what goes with them, all of it or nothing."""
        number, now = checks.identity(session), self._clock()
        kept = [checks.kept(message, number, now) for message in new]
        if not kept:
            await self.get(caller, session)
            return []
        said = next((message.content for message in kept if message.role == "user"), "")
        seen = checks.seen(caller)
        if not await self._repository.add(seen, number, kept, title_of(said), also):
            checks.missing(session)
        return kept

    async def messages(
        self, caller: Caller, session: str, skip: int = 0, limit: int = 100
    ) -> Messages:
        """Return messages, oldest first."""
        checks.check_page(skip, limit)
        found = await self._repository.messages(
            checks.seen(caller), checks.identity(session), skip, limit
        )
        return checks.missing(session) if found is None else found

    async def history(self, caller: Caller, session: str) -> History:
        """Return role and content of all messages, oldest first, as chat requests have them."""
        found = await self._repository.history(checks.seen(caller), checks.identity(session))
        return checks.missing(session) if found is None else found

    async def recall(
        self, caller: Caller, session: str, last: int = 4000, before: str = ""
    ) -> Messages:
        """Return the newest messages, oldest first; with `before` the newest of those that stand
        before the message of that id, which NotFound is raised for where there is none.
        """
        number = checks.identity(session)
        written = before.lower()
        known = not before or checks.ID.fullmatch(written)
        seen = checks.seen(caller)
        found = await self._repository.recall(seen, number, last, written) if known else None
        if found is None:
            await self.get(caller, session)
            raise no_message()
        return found

    async def cut(self, caller: Caller, session: str, message: str) -> int:
        """Delete a message and all that came after it; return how many those were. Raises NotFound
        for a message that is not in the session.
        """
        number, written = checks.identity(session), message.lower()
        known = checks.ID.fullmatch(written)
        gone = await self._repository.cut(checks.seen(caller), number, written) if known else None
        if gone is None:
            await self.get(caller, session)
            raise no_message()
        return gone

    async def count(self, caller: Caller, session: str) -> int:
        """Return how many messages a session has."""
        await self.get(caller, session)
        return await self._repository.count(checks.identity(session))

    def _purge_soon(self) -> None:
        self._purge_again = True
        if self._purging is None or self._purging.done():
            self._purging = asyncio.ensure_future(self._purge())

    async def _purge(self) -> None:
        """Delete rows of deleted sessions in small transactions: others write in between."""
        try:
            while self._purge_again:
                self._purge_again = False
                while await self._repository.purge(_PURGED_AT_ONCE):
                    pass
        except LlmdError as error:
            structlog.get_logger("sessions").warning(
                "deleted messages still take room", reason=str(error)
            )


def no_message() -> NotFound:
    """Return the error of a message that is not in its session."""
    return NotFound("There is no such message.", hint="It may have been deleted.", param="message")
