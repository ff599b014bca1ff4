"""What becomes of whole conversations: branches of them, and the pictures in them.

`owner` says whose sessions count, as in llmd.storage.sessions.
"""

from __future__ import annotations

from itertools import accumulate

from sqlalchemy import ColumnElement, exists, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from llmd.protocol.sessions import Picture, Session
from llmd.storage.database import Database
from llmd.storage.sessions import numbered, place_of
from llmd.storage.tables.sessions import messages, pictures, sessions

Pictures = list[tuple[str, Picture]]
"""Each with the id of its message."""

_COPIED = ("id", "role", "content", "tokens", "metadata_info", "created_at")


class ConversationRepository:
    """Conversations of one database; every method raises StorageFailed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def branch(
        self, owner: str | None, session: str, before: str, made: Session
    ) -> Session | None:
        """Make a session that begins with all messages of another one that stand before a message,
        and keep their ids; where the person says nothing in them it has no title yet. Return it;
        None when there is no such message in such a session; raise NoRoom.
        """
        async with self._database.writing() as connection:
            number = await connection.scalar(numbered(owner, session))
            end = None if number is None else await connection.scalar(place_of(number, before))
            if number is None or end is None:
                return None
            told = [messages.c.session == number, messages.c.number < end]
            asked = select(exists().where(*told, messages.c.role == "user"))
            title = made.title if await connection.scalar(asked) else ""
            values = {name: getattr(made, name) for name in made.__struct_fields__}
            await connection.execute(insert(sessions).values(values | {"title": title}))
            new = await connection.scalar(numbered(None, made.id))
            assert new is not None  # noqa: S101  it was just made
            await _copy(connection, told, new)
            found = select(*(sessions.c[name] for name in Session.__struct_fields__))
            row = (await connection.execute(found.where(sessions.c.number == new))).one()
        return Session(**row._mapping)  # noqa: SLF001  SQLAlchemy's name for a public thing

    async def picture(
        self, owner: str | None, session: str, message: str, place: int
    ) -> Picture | None:
        """Return one picture of a message."""
        async with self._database.reading() as connection:
            number = await connection.scalar(numbered(owner, session))
            inside = None if number is None else await connection.scalar(place_of(number, message))
            if inside is None:
                return None
            found = select(pictures.c.kind, pictures.c.data).where(
                pictures.c.message == inside, pictures.c.place == place
            )
            row = (await connection.execute(found)).one_or_none()
        return Picture(row.kind, row.data) if row else None

    async def pictures(self, owner: str | None, session: str, last: int, room: int) -> Pictures:
        """Return up to `last` pictures of a session, the newest ones that have no more than `room`
        bytes together, oldest first.
        """
        newest = messages.c.number.desc(), pictures.c.place.desc()
        held = (
            select(func.length(pictures.c.data))
            .join(messages, messages.c.number == pictures.c.message)
            .where(messages.c.session == numbered(owner, session).scalar_subquery())
            .order_by(*newest)
            .limit(last)
        )
        async with self._database.reading() as connection:
            sizes = (await connection.execute(held)).scalars().all()
            count = sum(total <= room for total in accumulate(sizes))
            found = held.with_only_columns(messages.c.id, pictures.c.kind, pictures.c.data)
            rows = (await connection.execute(found.limit(count))).all() if count else []
        return [(row.id, Picture(row.kind, row.data)) for row in reversed(rows)]


async def _copy(connection: AsyncConnection, told: list[ColumnElement[bool]], new: int) -> None:
    columns = [messages.c[name] for name in _COPIED]
    old = select(literal(new), *columns).where(*told).order_by(messages.c.number)
    await connection.execute(insert(messages).from_select(["session", *_COPIED], old))
    copy = messages.alias()
    shown = (
        select(copy.c.number, pictures.c.place, pictures.c.kind, pictures.c.data)
        .join(messages, messages.c.number == pictures.c.message)
        .join(copy, (copy.c.id == messages.c.id) & (copy.c.session == new))
        .where(*told)
    )
    await connection.execute(
        insert(pictures).from_select(["message", "place", "kind", "data"], shown)
    )
