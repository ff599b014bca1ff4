"""API keys, with the digests of their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from llmd.errors import NotFound
from llmd.protocol.accounts import ApiKey, User
from llmd.storage.database import Database
from llmd.storage.tables.accounts import api_keys, users
from llmd.storage.users import joined_user, labelled


class Candidate(NamedTuple):
    """A key that may be the one that was shown."""

    key: ApiKey
    digest: str
    user: User | None
    """For whom it acts."""


class KeyRepository:
    """Keeps keys. All methods raise StorageFailed, and those that write NoRoom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey, digest: str) -> None:
        """Keep a new key; raise NotFound when its user was removed meanwhile."""
        row = {field: getattr(key, field) for field in key.__struct_fields__}
        row |= {"digest": digest, "user": key.user or None, "scopes": sorted(key.scopes)}
        async with self._database.writing() as connection:
            try:
                await connection.execute(insert(api_keys).values(row))
            except IntegrityError as error:
                raise NotFound("There is no such user any more.", param="user") from error

    async def list(self, user: str = "", skip: int = 0, limit: int | None = None) -> list[ApiKey]:
        """Return the keys of one user, or all, oldest first."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        if user:
            query = query.where(api_keys.c.user == user)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.offset(skip).limit(limit))
            return [_to_key(row) for row in rows]

    async def get(self, identity: str) -> ApiKey | None:
        """Return the key of this id."""
        async with self._database.reading() as connection:
            query = select(api_keys).where(api_keys.c.id == identity)
            row = (await connection.execute(query)).first()
        return _to_key(row) if row else None

    async def candidates(self, prefix: str) -> Sequence[Candidate]:
        """Return the keys whose secrets begin so, each with its user."""
        query = (
            select(api_keys, *labelled())
            .select_from(api_keys.outerjoin(users))
            .where(api_keys.c.prefix == prefix)
        )
        async with self._database.reading() as connection:
            return [
                Candidate(_to_key(row), row.digest, joined_user(row) if row.user else None)
                for row in await connection.execute(query)
            ]

    async def change(self, identity: str, values: Mapping[str, Any]) -> ApiKey | None:
        """Change columns and return the key."""
        async with self._database.writing() as connection:
            if values:
                await connection.execute(
                    update(api_keys).where(api_keys.c.id == identity).values(values)
                )
            query = select(api_keys).where(api_keys.c.id == identity)
            row = (await connection.execute(query)).first()
        return _to_key(row) if row else None

    async def used(self, moments: Mapping[str, float]) -> None:
        """Note when keys, by their ids, were used last."""
        statement = (
            update(api_keys)
            .where(api_keys.c.id == bindparam("key"))
            .values(last_used=bindparam("moment"))
        )
        rows = [{"key": key, "moment": moment} for key, moment in moments.items()]
        async with self._database.writing() as connection:
            await connection.execute(statement, rows)

    async def remove(self, identity: str) -> bool:
        """Forget a key; say whether there was one."""
        async with self._database.writing() as connection:
            found = await connection.execute(delete(api_keys).where(api_keys.c.id == identity))
        return bool(found.rowcount)


def _to_key(row: Row[Any]) -> ApiKey:
    found = {name: getattr(row, name) for name in ApiKey.__struct_fields__}
    return msgspec.convert(found | {"user": row.user or ""}, ApiKey)
