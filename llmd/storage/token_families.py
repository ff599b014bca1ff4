"""Logins: each is a family of refresh tokens of which one counts at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from llmd.errors import Unauthorized
from llmd.protocol.accounts import TokenFamily, User
from llmd.storage.database import Database
from llmd.storage.tables.accounts import token_families, users
from llmd.storage.users import joined_user, labelled

_MOST = 100
"""Logins of one user at the same time; the oldest go."""


class Login(NamedTuple):
    """A family and whose it is."""

    family: TokenFamily
    user: User


class FamilyRepository:
    """Keeps logins. All methods raise StorageFailed, and those that write NoRoom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, family: TokenFamily) -> None:
        """Keep a new login, and forget those of its user that are over; raise Unauthorized when the
        user was removed meanwhile.
        """
        row = {field: getattr(family, field) for field in family.__struct_fields__}
        kept = (
            select(token_families.c.id)
            .where(token_families.c.user == family.user)
            .order_by(token_families.c.created_at.desc())
            .limit(_MOST - 1)
        )
        over = or_(
            token_families.c.expires_at <= family.created_at, token_families.c.id.not_in(kept)
        )
        mine = token_families.c.user == family.user
        async with self._database.writing() as connection:
            await connection.execute(delete(token_families).where(mine, over))
            try:
                await connection.execute(insert(token_families).values(row))
            except IntegrityError as error:
                raise Unauthorized("This account is gone.", hint="Ask an admin.") from error

    async def get(self, identity: str) -> Login | None:
        """Return a login."""
        query = (
            select(token_families, *labelled())
            .join(users, token_families.c.user == users.c.id)
            .where(token_families.c.id == identity)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return Login(_to_family(row), joined_user(row)) if row else None

    async def rotate(self, identity: str, used: str, fresh: str, expires_at: float) -> bool:
        """Let the token `fresh` count instead of `used`; False where that one does not count any
        more: of two who try at the same time one gets through.
        """
        statement = (
            update(token_families)
            .where(
                token_families.c.id == identity,
                token_families.c.current == used,
                token_families.c.revoked.is_(False),
            )
            .values(current=fresh, expires_at=expires_at)
        )
        async with self._database.writing() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def revoke(self, identity: str) -> None:
        """End a login; it stays known until it would have ended."""
        statement = update(token_families).where(token_families.c.id == identity)
        async with self._database.writing() as connection:
            await connection.execute(statement.values(revoked=True))


def _to_family(row: Row[Any]) -> TokenFamily:
    found = {name: getattr(row, name) for name in TokenFamily.__struct_fields__}
    return msgspec.convert(found, TokenFamily)
