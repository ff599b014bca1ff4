"""Kept conversations as somebody reads them on a screen: from their end, with their pictures, and
in branches that leave what was said before as it is.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple
from uuid import uuid4

from llmd.errors import InvalidRequest, NotFound
from llmd.protocol.callers import Caller
from llmd.protocol.sessions import Picture, Session, SessionMessage
from llmd.services import session_checks as checks
from llmd.services.sessions import LONGEST_PAGE, Sessions, no_message
from llmd.storage.conversations import ConversationRepository

_EXPORTED_AT_ONCE = 500
_ROOM = 96 * 2**20
"""Bytes of earlier pictures that go with a request, half of what one may have."""


class Leaf(NamedTuple):
    """Messages that follow each other."""

    messages: list[SessionMessage]
    """Oldest first."""
    more: bool
    """Whether there are older ones."""


class Conversations:
    """What a page shows of sessions; methods raise what those of Sessions do."""

    def __init__(
        self,
        sessions: Sessions,
        repository: ConversationRepository,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since 1970."""
        self._sessions = sessions
        self._repository = repository
        self._clock = clock

    async def leaf(self, caller: Caller, session: str, before: str = "", limit: int = 60) -> Leaf:
        """Return the newest messages, or those before the message of an id."""
        if not 1 <= limit <= LONGEST_PAGE:
            raise InvalidRequest(f"limit must be from 1 to {LONGEST_PAGE}.", param="limit")
        found = await self._sessions.recall(caller, session, limit + 1, before)
        return Leaf(found[-limit:], len(found) > limit)

    async def read(self, caller: Caller, session: str) -> AsyncGenerator[Sequence[SessionMessage]]:
        """Yield all messages, some at a time, oldest first."""
        skip = 0
        while found := await self._sessions.messages(caller, session, skip, _EXPORTED_AT_ONCE):
            yield found
            skip += len(found)

    async def branch(self, caller: Caller, session: str, before: str) -> Session:
        """Make a session that begins with all that was said before a message; the other one stays.
        It belongs to the caller.
        """
        origin, now = await self._sessions.get(caller, session), self._clock()
        made = Session(
            id=str(uuid4()),
            title=origin.title,
            owner=checks.whose(caller),
            created_at=now,
            updated_at=now,
            model=origin.model,
        )
        message = before.lower()
        seen, found = checks.seen(caller), None
        if checks.ID.fullmatch(message):
            found = await self._repository.branch(seen, origin.id, message, made)
        if found is None:
            raise no_message()
        return found

    async def picture(self, caller: Caller, session: str, message: str, place: int) -> Picture:
        """Return one picture of a message."""
        number, written = checks.identity(session), message.lower()
        found = None
        if checks.ID.fullmatch(written):
            seen = checks.seen(caller)
            found = await self._repository.picture(seen, number, written, place)
        if found is None:
            raise NotFound("There is no such picture.", hint="It may have been deleted.")
        return found

    async def pictures(self, caller: Caller, session: str, last: int) -> dict[str, list[Picture]]:
        """Return up to `last` pictures of a session, the newest ones, by their messages' ids; fewer
        where they are too large for one request.
        """
        number, seen = checks.identity(session), checks.seen(caller)
        by_message: dict[str, list[Picture]] = {}
        for message, one in await self._repository.pictures(seen, number, last, _ROOM):
            by_message.setdefault(message, []).append(one)
        return by_message
