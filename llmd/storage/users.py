"""Accounts, with the hashes of their passwords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Label, Row, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from llmd.errors import NameTaken
from llmd.protocol.accounts import User
from llmd.storage.database import Database
from llmd.storage.tables.accounts import token_families, users

_PREFIX = "user_"


class Known(NamedTuple):
    """An account and the hash of its password."""

    user: User
    password: str


class UserRepository:
    """Keeps accounts. All methods raise StorageFailed, and those that write NoRoom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: User, folded: str, password: str) -> None:
        """Keep a new account under the name as it is compared; raise NameTaken."""
        row = {"folded": folded, "password": password, **_plain(user)}
        async with self._database.writing() as connection:
            try:
                await connection.execute(insert(users).values(row))
            except IntegrityError as error:
                raise _taken(user.name) from error

    async def list(self, skip: int = 0, limit: int | None = None) -> list[User]:
        """Return accounts by name."""
        query = select(users).order_by(users.c.folded).offset(skip).limit(limit)
        async with self._database.reading() as connection:
            return [to_user(row) for row in await connection.execute(query)]

    async def get(self, identity: str) -> User | None:
        """Return the account of this id."""
        known = await self._one(users.c.id == identity)
        return known.user if known else None

    async def named(self, folded: str) -> Known | None:
        """Return the account of this name, as names are compared."""
        return await self._one(users.c.folded == folded)

    async def change(
        self, identity: str, values: Mapping[str, Any], *, ends_logins: bool = False
    ) -> User | None:
        """Change columns, perhaps end all logins as well, and return the account; raise
        NameTaken.
        """
        ending = update(token_families).where(token_families.c.user == identity)
        async with self._database.writing() as connection:
            try:
                if values:
                    await connection.execute(
                        update(users).where(users.c.id == identity).values(values)
                    )
            except IntegrityError as error:
                raise _taken(str(values.get("name"))) from error
            if ends_logins:
                await connection.execute(ending.values(revoked=True))
            row = (await connection.execute(_by(users.c.id == identity))).first()
        return to_user(row) if row else None

    async def remove(self, identity: str) -> bool:
        """Forget an account with its keys and logins; say whether there was one."""
        async with self._database.writing() as connection:
            found = await connection.execute(delete(users).where(users.c.id == identity))
        return bool(found.rowcount)

    async def _one(self, condition: ColumnElement[bool]) -> Known | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(_by(condition))).first()
        return Known(to_user(row), row.password) if row else None


def labelled() -> list[Label[Any]]:
    """Return the columns under names that collide with those of no other table."""
    return [column.label(_PREFIX + column.name) for column in users.c]


def to_user(row: Row[Any], prefix: str = "") -> User:
    """Return the account that a row of the table holds."""
    found = {name: getattr(row, prefix + name) for name in User.__struct_fields__}
    return msgspec.convert(found, User)


def joined_user(row: Row[Any]) -> User:
    """Return the account that a row with `labelled` columns holds."""
    return to_user(row, _PREFIX)


def _plain(user: User) -> dict[str, Any]:
    return {field: getattr(user, field) for field in user.__struct_fields__}


def _by(condition: ColumnElement[bool]) -> Select[Any]:
    return select(users).where(condition)


def _taken(name: str) -> NameTaken:
    return NameTaken(f"There is a user {name} already.", hint="Choose another name.", param="name")
