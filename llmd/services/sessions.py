"""Conversations that are kept: made, listed, read, added to and deleted by those they belong to."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, NoReturn
from uuid import uuid4

import structlog

from llmd.errors import InvalidRequest, LlmdError, NotFound
from llmd.protocol.callers import Caller, Scope
from llmd.protocol.sessions import NewMessage, Session, SessionMessage
from llmd.services.titles import title_of
from llmd.storage.sessions import SessionRepository

# names for types, since a method is called `list`
Page = list[Session]
Messages = list[SessionMessage]
History = list[dict[str, str]]
Recalled = list[NewMessage]

LONGEST_PAGE = 1000
LONGEST_TITLE = 1000
ROLES = ("system", "developer", "user", "assistant", "tool")

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_BEGINNING = re.compile(r"[0-9a-f-]{4,36}", re.ASCII)
_MOST_TOKENS = 2**31 - 1
_MOST_SKIPPED = 2**62
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
            title=_title(title),
            owner=_whose(caller),
            created_at=now,
            updated_at=now,
            model=_text(model, "model"),
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
        _check_page(skip, limit)
        return await self._repository.list(
            _seen(caller), skip, limit, active_only=active_only, words=_words(words)
        )

    async def get(self, caller: Caller, session: str) -> Session:
        """Return one session."""
        found = await self._repository.get(_seen(caller), _id(session))
        return found or _missing(session)

    async def find(self, caller: Caller, name: str) -> Session:
        """Return the session of that id, or whose id begins so and no other one's, or the newest of
        that title.
        """
        if _ID.fullmatch(name.lower()):
            return await self.get(caller, name)
        beginning = name.lower() if _BEGINNING.fullmatch(name.lower()) else ""
        found = await self._repository.named(_seen(caller), _text(name, "title"), beginning)
        if len(found) > 1:
            raise InvalidRequest(
                f"Several sessions have ids that begin with {name}.", hint="Give more of it."
            )
        return found[0] if found else _missing(name)

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
            changes["title"] = _title(title)
        if is_active is not None:
            changes["is_active"] = is_active
        if model is not None:
            changes["model"] = _text(model, "model")
        found = await self._repository.update(_seen(caller), _id(session), changes)
        return found or _missing(session)

    async def delete(self, caller: Caller, session: str) -> None:
        """Delete a session; it is gone at once, its messages go in the background."""
        if not await self._repository.doom(_seen(caller), _id(session)):
            _missing(session)
        self._purge_soon()

    async def add(self, caller: Caller, session: str, message: NewMessage) -> SessionMessage:
        """Append one message."""
        return (await self.add_many(caller, session, [message]))[0]

    async def add_many(self, caller: Caller, session: str, new: Sequence[NewMessage]) -> Messages:
        """Append messages, all of them or none."""
        number, now = _id(session), self._clock()
        kept = [_kept(message, number, now) for message in new]
        if not kept:
            await self.get(caller, session)
            return []
        said = next((message.content for message in kept if message.role == "user"), "")
        if not await self._repository.add(_seen(caller), number, kept, title_of(said)):
            _missing(session)
        return kept

    async def messages(
        self, caller: Caller, session: str, skip: int = 0, limit: int = 100
    ) -> Messages:
        """Return messages, oldest first."""
        _check_page(skip, limit)
        found = await self._repository.messages(_seen(caller), _id(session), skip, limit)
        return _missing(session) if found is None else found

    async def history(self, caller: Caller, session: str) -> History:
        """Return role and content of all messages, oldest first, as chat requests have them."""
        found = await self._repository.history(_seen(caller), _id(session))
        return _missing(session) if found is None else found

    async def recall(self, caller: Caller, session: str, last: int = 4000) -> Recalled:
        """Return the newest messages with all that was kept of them, oldest first."""
        found = await self._repository.recall(_seen(caller), _id(session), last)
        return _missing(session) if found is None else found

    async def cut(self, caller: Caller, session: str, message: str) -> int:
        """Delete a message and all that came after it; return how many those were. Raises NotFound
        for a message that is not in the session.
        """
        number, written = _id(session), message.lower()
        known = _ID.fullmatch(written)
        gone = await self._repository.cut(_seen(caller), number, written) if known else None
        if gone is None:
            await self.get(caller, session)
            raise NotFound("There is no such message.", hint="It may have been deleted.")
        return gone

    async def count(self, caller: Caller, session: str) -> int:
        """Return how many messages a session has."""
        await self.get(caller, session)
        return await self._repository.count(_id(session))

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


def _whose(caller: Caller) -> str:
    """Return whom the caller's sessions belong to."""
    return caller.user or (f"key:{caller.key}" if caller.key else "")


def _seen(caller: Caller) -> str | None:
    """Return whose sessions the caller sees; None: everybody's."""
    return None if caller.owner or Scope.ADMIN in caller.scopes else _whose(caller)


def _id(text: str) -> str:
    """Return an id as it is written; what cannot be one is not there."""
    written = text.lower()
    return written if _ID.fullmatch(written) else _missing(text)


def _missing(session: str) -> NoReturn:
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in session)
    raise NotFound(
        f"There is no session {shown[:100]!r}.",
        hint="It may have been deleted.",
        param="session_id",
    )


def _title(text: str) -> str:
    if len(text) > LONGEST_TITLE or "\0" in text:
        raise InvalidRequest(
            f"A title has at most {LONGEST_TITLE} characters, and no NUL among them.", param="title"
        )
    return _text(text, "title").strip()


def _words(text: str) -> str:
    """Return what is searched for; raise InvalidRequest for what no message can hold."""
    if len(text) > LONGEST_TITLE or "\0" in text:
        raise InvalidRequest(
            f"Search for at most {LONGEST_TITLE} characters, and no NUL among them.", param="words"
        )
    return _text(text, "words").strip()


def _text(text: str, param: str) -> str:
    """Return a text; raise InvalidRequest for half characters, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{param} is no valid Unicode text.", param=param) from error
    return text


def _kept(message: NewMessage, session: str, now: float) -> SessionMessage:
    """Return a message as it will be kept."""
    if message.role not in ROLES:
        raise InvalidRequest(
            f"{message.role[:50]!r} is no role.",
            hint=f"Give one of {', '.join(ROLES)}.",
            param="role",
        )
    if message.tokens is not None and not 0 <= message.tokens <= _MOST_TOKENS:
        raise InvalidRequest(
            "tokens must be a count.", hint=f"0 to {_MOST_TOKENS}.", param="tokens"
        )
    return SessionMessage(
        id=str(uuid4()),
        session_id=session,
        role=message.role,
        content=_text(message.content, "content"),
        tokens=message.tokens,
        metadata_info=message.metadata_info,
        created_at=now,
    )


def _check_page(skip: int, limit: int) -> None:
    if not 0 <= skip <= _MOST_SKIPPED:
        raise InvalidRequest("skip must be 0 or more.", param="skip")
    if not 1 <= limit <= LONGEST_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {LONGEST_PAGE}.", param="limit")
