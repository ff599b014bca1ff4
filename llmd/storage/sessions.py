"""Sessions and messages in the database.

`owner` says whose sessions count: an account's id, "" for those of an open daemon, None for all.
A doomed session is gone for everybody; `purge` deletes its rows, some at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from llmd.protocol.sessions import Addition, Session, SessionMessage
from llmd.storage.database import Database
from llmd.storage.tables.sessions import messages, pictures, sessions

# names for types, since a method is called `list`
Page = list[Session]
Messages = list[SessionMessage]
History = list[dict[str, str]]

_AT_ONCE = 500

_FIELDS = [sessions.c[name] for name in Session.__struct_fields__]
_MESSAGE_FIELDS = ("id", "role", "content", "tokens", "metadata_info", "created_at")


class SessionRepository:
    """All sessions of one database; every method raises StorageFailed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, session: Session) -> None:
        """Keep a new session; raise NoRoom."""
        values = {name: getattr(session, name) for name in session.__struct_fields__}
        async with self._database.writing() as connection:
            await connection.execute(insert(sessions).values(values))

    async def list(
        self, owner: str | None, skip: int, limit: int, *, active_only: bool, words: str = ""
    ) -> Page:
        """Return sessions, those first that changed last; with `words` those in whose title or
        messages they stand.
        """
        counting = _counting(owner)
        if words:
            counting.append(_holding(words))
        if active_only:
            counting.append(sessions.c.is_active.is_(True))
        page = (
            select(sessions.c.number)
            .where(*counting)
            .order_by(sessions.c.updated_at.desc(), sessions.c.number.desc())
            .offset(skip)
            .limit(limit)
        )
        # the numbers come out of the index alone: rows that are skipped are never read
        found = (
            select(*_FIELDS)
            .where(sessions.c.number.in_(page))
            .order_by(sessions.c.updated_at.desc(), sessions.c.number.desc())
        )
        async with self._database.reading() as connection:
            return [_session(row) for row in await connection.execute(found)]

    async def get(self, owner: str | None, session: str) -> Session | None:
        """Return one session."""
        found = await self._some(select(*_FIELDS).where(*_one(owner, session)))
        return found[0] if found else None

    async def named(self, owner: str | None, title: str, beginning: str) -> Page:
        """Return up to two sessions whose id has that beginning, or else the newest one with that
        very title.
        """
        if beginning:
            ids = sessions.c.id.like(f"{beginning}%")  # of hexadecimal digits and hyphens
            found = await self._some(select(*_FIELDS).where(*_counting(owner), ids).limit(2))
            if found:
                return found
        newest = sessions.c.updated_at.desc(), sessions.c.number.desc()
        titled = select(*_FIELDS).where(*_counting(owner), sessions.c.title == title)
        return await self._some(titled.order_by(*newest).limit(1))

    async def _some(self, found: Select[tuple[object, ...]]) -> Page:
        async with self._database.reading() as connection:
            return [_session(row) for row in await connection.execute(found)]

    async def update(
        self, owner: str | None, session: str, changes: dict[str, str | bool | float]
    ) -> Session | None:
        """Change columns of a session and return it; raise NoRoom."""
        changing = update(sessions).where(*_one(owner, session)).values(changes)
        async with self._database.writing() as connection:
            row = (await connection.execute(changing.returning(*_FIELDS))).one_or_none()
        return _session(row) if row else None

    async def doom(self, owner: str | None, session: str) -> bool:
        """Hide a session from everybody for good; return whether there was one."""
        hiding = update(sessions).where(*_one(owner, session)).values(doomed=True)
        async with self._database.writing() as connection:
            return (await connection.execute(hiding)).rowcount > 0

    async def purge(self, limit: int) -> bool:
        """Delete up to `limit` messages of a doomed session, or the session when it has none;
        return whether there was one.
        """
        doomed = select(sessions.c.number).where(sessions.c.doomed.is_(True)).limit(1)
        async with self._database.writing() as connection:
            number = await connection.scalar(doomed)
            if number is None:
                return False
            some = select(messages.c.number).where(messages.c.session == number).limit(limit)
            gone = await connection.execute(delete(messages).where(messages.c.number.in_(some)))
            if gone.rowcount < limit:
                await connection.execute(delete(sessions).where(sessions.c.number == number))
        return True

    async def add(
        self,
        owner: str | None,
        session: str,
        new: Sequence[SessionMessage],
        title: str,
        also: Addition = Addition(),  # noqa: B008  frozen
    ) -> bool:
        """Append messages and what goes with them, all or none; a session without a title gets
        `title`. Return whether there is such a session; raise NoRoom.
        """
        touching = (
            update(sessions)
            .where(*_one(owner, session))
            .values(
                updated_at=new[0].created_at,
                title=case((sessions.c.title == "", title), else_=sessions.c.title),
                model=also.model or sessions.c.model,
            )
            .returning(sessions.c.number)
        )
        async with self._database.writing() as connection:
            # first, since it locks the session: two who add to it take turns
            number = await connection.scalar(touching)
            if number is None:
                return False
            if also.replaced:
                inside = messages.c.session == number
                gone = delete(messages).where(inside, messages.c.id.in_(also.replaced))
                await connection.execute(gone)
            await connection.execute(insert(messages), [_row(number, message) for message in new])
            if also.pictures:
                await _picture(connection, number, len(new), also)
        return True

    async def messages(
        self, owner: str | None, session: str, skip: int, limit: int
    ) -> Messages | None:
        """Return messages, oldest first; None when there is no such session."""
        async with self._database.reading() as connection:
            number = await connection.scalar(numbered(owner, session))
            if number is None:
                return None
            page = (
                select(messages.c.number)
                .where(messages.c.session == number)
                .order_by(messages.c.number)
                .offset(skip)
                .limit(limit)
            )
            found = (
                select(*(messages.c[name] for name in _MESSAGE_FIELDS))
                .where(messages.c.number.in_(page))
                .order_by(messages.c.number)
            )
            return [
                SessionMessage(session_id=session, **row._mapping)  # noqa: SLF001  SQLAlchemy's name for a public thing
                for row in await connection.execute(found)
            ]

    async def history(self, owner: str | None, session: str) -> History | None:
        """Return role and content of all messages, oldest first; None when there is no such
        session.
        """
        async with self._database.reading() as connection:
            number = await connection.scalar(numbered(owner, session))
            if number is None:
                return None
            found = (
                select(messages.c.role, messages.c.content)
                .where(messages.c.session == number)
                .order_by(messages.c.number)
            )
            said: History = []
            rows = await connection.stream(found)
            # piece by piece: others get their turn while a long one is read
            async for some in rows.partitions(_AT_ONCE):
                said += ({"role": role, "content": content} for role, content in some)
            return said

    async def recall(
        self, owner: str | None, session: str, last: int, before: str = ""
    ) -> Messages | None:
        """Return up to `last` messages, the newest ones, oldest first; with `before`, the id of a
        message, the newest of those that stand before it. None when there is no such session, or
        no such message in it.
        """
        async with self._database.reading() as connection:
            number = await connection.scalar(numbered(owner, session))
            if number is not None and before:
                end = await connection.scalar(place_of(number, before))
            else:
                end = None
            if number is None or (before and end is None):
                return None
            counting = [messages.c.session == number]
            if end is not None:
                counting.append(messages.c.number < end)
            found = (
                select(*(messages.c[name] for name in _MESSAGE_FIELDS))
                .where(*counting)
                .order_by(messages.c.number.desc())
                .limit(last)
            )
            said: Messages = []
            rows = await connection.stream(found)
            async for some in rows.partitions(_AT_ONCE):
                said += (SessionMessage(session_id=session, **row._mapping) for row in some)  # noqa: SLF001  as above
        return said[::-1]

    async def cut(self, owner: str | None, session: str, message: str) -> int | None:
        """Delete a message and all after it; return how many that were, None when there is no such
        message in such a session.
        """
        # an update, since it locks the session: somebody may be adding to it
        locking = update(sessions).where(*_one(owner, session)).values(doomed=False)
        async with self._database.writing() as connection:
            number = await connection.scalar(locking.returning(sessions.c.number))
            first = None if number is None else await connection.scalar(place_of(number, message))
            if first is None:
                return None
            inside = messages.c.session == number
            gone = await connection.execute(
                delete(messages).where(inside, messages.c.number >= first)
            )
            return gone.rowcount

    async def count(self, session: str) -> int:
        """Return how many messages a session has."""
        counting = (
            select(func.count())
            .select_from(messages)
            .where(messages.c.session == numbered(None, session).scalar_subquery())
        )
        async with self._database.reading() as connection:
            return int(await connection.scalar(counting) or 0)


def _counting(owner: str | None) -> list[ColumnElement[bool]]:
    counting: list[ColumnElement[bool]] = [sessions.c.doomed.is_(False)]
    return counting if owner is None else [sessions.c.owner == owner, *counting]


def _holding(words: str) -> ColumnElement[bool]:
    found = messages.c.content.icontains(words, autoescape=True)
    said = exists().where(messages.c.session == sessions.c.number, found)
    return or_(sessions.c.title.icontains(words, autoescape=True), said)


def _one(owner: str | None, session: str) -> list[ColumnElement[bool]]:
    return [sessions.c.id == session, *_counting(owner)]


def numbered(owner: str | None, session: str) -> Select[int]:
    """Find the number of a session."""
    return select(sessions.c.number).where(*_one(owner, session))


def place_of(session: int, message: str) -> Select[int]:
    """Find the number of a message; one that is near the end is found at once."""
    inside = messages.c.session == session
    newest = messages.c.number.desc()
    return (
        select(messages.c.number).where(inside, messages.c.id == message).order_by(newest).limit(1)
    )


async def _picture(connection: AsyncConnection, session: int, count: int, also: Addition) -> None:
    """Keep the pictures of the newest `count` messages of a session, which is locked."""
    newest = (
        select(messages.c.number)
        .where(messages.c.session == session)
        .order_by(messages.c.number.desc())
        .limit(count)
    )
    numbers = sorted((await connection.execute(newest)).scalars())
    rows = [
        {"message": numbers[index], "place": place, "kind": one.kind, "data": one.data}
        for index, some in also.pictures.items()
        for place, one in enumerate(some)
    ]
    await connection.execute(insert(pictures), rows)


def _session(row: Row[tuple[object, ...]]) -> Session:
    return Session(**row._mapping)  # noqa: SLF001  SQLAlchemy's name for a public thing


def _row(number: int, message: SessionMessage) -> dict[str, object]:
    fields: dict[str, object] = {name: getattr(message, name) for name in _MESSAGE_FIELDS}
    return {"session": number, **fields}
