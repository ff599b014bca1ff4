"""Connections and transactions; SQLite in a file of the owner's alone, or PostgreSQL.

SQLite writes ahead (WAL) and syncs at each commit, so that what was acknowledged outlives a killed
daemon and a lost power supply. It has one writer: writers wait for the one connection they share,
in the order they came, instead of for each other's locks; readers never wait for them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from llmd.errors import StorageFailed
from llmd.storage import address, migration
from llmd.storage.faults import explained

_READERS = 4
_PATIENCE = 30.0
_PAUSE = 0.05
_LOCKED = "database is locked"
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",  # what people delete cannot be read out of the file
    "PRAGMA journal_size_limit = 67108864",  # the log shrinks again after a large change
)


class Database:
    """One database; opened, and brought up to date, when it is first used."""

    def __init__(self, place: str | Path) -> None:
        """Keep the place, a file or a URL; raise ConfigInvalid when it is neither."""
        self._url = address.parse(place)
        self.place = address.shown(self._url)
        self._opening = asyncio.Lock()
        self._closed = False
        self._engines: tuple[AsyncEngine, AsyncEngine] | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection that sees the database as it is at its first statement.

        Raises StorageFailed, also in place of what SQLAlchemy raises inside.
        """
        reader, _ = await self._opened()
        with explained(self.place):
            async with reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection in a transaction that is committed at the end of the block, or rolled
        back by what the block raises. Not to be nested: SQLite has one writer.

        Raises NoRoom when the disk is full, else StorageFailed, as `reading`.
        """
        _, writer = await self._opened()
        with explained(self.place):
            async with writer.begin() as connection:
                yield connection

    async def open(self) -> None:
        """Open it and migrate it; raise StorageFailed or NoRoom."""
        await self._opened()

    async def close(self) -> None:
        """Close all connections; nothing can be asked afterwards."""
        async with self._opening:
            self._closed = True
            engines, self._engines = self._engines, None
            for engine in dict.fromkeys(engines or ()):
                await engine.dispose()

    async def _opened(self) -> tuple[AsyncEngine, AsyncEngine]:
        if self._engines:
            return self._engines
        async with self._opening:
            if self._closed:
                raise StorageFailed("The database is closed.", hint="The daemon is shutting down.")
            if self._engines is None:
                self._engines = await self._first()
            return self._engines

    async def _first(self) -> tuple[AsyncEngine, AsyncEngine]:
        with explained(self.place):
            if self._url.database and self._is_file:
                await asyncio.to_thread(_own, Path(self._url.database))
            engines = _sqlite(self._url) if self._is_file else _postgres(self._url)
            try:
                await self._settle(*engines)
            except BaseException:
                for engine in engines:
                    await engine.dispose()
                raise
            return engines

    @property
    def _is_file(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    async def _settle(self, reader: AsyncEngine, writer: AsyncEngine) -> None:
        """Migrate, once others let go of the file: SQLite does not wait for them where it begins a
        write-ahead log, as it does everywhere else.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return await self._migrate(reader, writer)
            except OperationalError as error:
                if _LOCKED not in str(error.orig) or time.monotonic() > until:
                    raise
            await asyncio.sleep(_PAUSE)

    async def _migrate(self, reader: AsyncEngine, writer: AsyncEngine) -> None:
        async with reader.connect() as connection:
            if await connection.run_sync(migration.is_current, self.place):
                return
        async with writer.begin() as connection:
            await connection.run_sync(migration.upgrade, self.place)


def _own(path: Path) -> None:
    """Make the file before SQLite does: what SQLite makes, others may read. Its journals get the
    same mode.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _sqlite(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engines of readers and of the writer; transactions are begun by hand, since the
    driver would begin them late and without the lock.
    """
    given: dict[str, Any] = {
        "hide_parameters": True,  # of statements, in errors: they are what people said
        "connect_args": {"isolation_level": None, "timeout": _PATIENCE},
        "pool_timeout": _PATIENCE,
        "max_overflow": 0,
    }
    reader = create_async_engine(url, pool_size=_READERS, **given)
    writer = create_async_engine(url, pool_size=1, **given)
    for engine, begin in ((reader, "BEGIN"), (writer, "BEGIN IMMEDIATE")):
        event.listen(engine.sync_engine, "connect", _prepare)
        event.listen(engine.sync_engine, "begin", _Begin(begin))
    event.listen(writer.sync_engine, "connect", _write_ahead)
    return reader, writer


class _Begin:
    """Begins transactions with one statement."""

    def __init__(self, statement: str) -> None:
        self._statement = statement

    def __call__(self, connection: Connection) -> None:
        """Begin one."""
        connection.exec_driver_sql(self._statement)


def _prepare(connection: Any, _record: Any) -> None:
    _execute(connection, *_PRAGMAS)


def _write_ahead(connection: Any, _record: Any) -> None:
    _execute(connection, "PRAGMA journal_mode = WAL")


def _execute(connection: Any, *statements: str) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()


def _postgres(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    engine = create_async_engine(
        url,
        pool_size=_READERS + 1,
        max_overflow=_READERS,
        pool_timeout=_PATIENCE,
        hide_parameters=True,
        pool_pre_ping=True,  # the server may have been restarted
        connect_args={"timeout": _PATIENCE, "command_timeout": 2 * _PATIENCE},
    )
    return engine, engine
