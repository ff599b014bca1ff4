"""Databases of one's own: SQLite for every test, and PostgreSQL too where a server is at hand."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import create_async_engine

from llmd.storage import Database
from llmd.storage.address import parse
from tests.fakes.databases import database as open_database

SERVER = "LLMD_TEST_POSTGRES"
"""Environment variable with the URL of a PostgreSQL database whose user may create others."""


def compiles_for_postgresql(_connection: Connection, statement: Any, *_rest: Any) -> None:
    """What is asked of SQLite could be asked of PostgreSQL."""
    if isinstance(statement, sqlite.Insert):  # SQLite's own, see llmd.storage.upsert
        return
    statement.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]


@pytest.fixture
async def postgres() -> AsyncIterator[str]:
    """The URL of a new database on a real server."""
    server = os.environ.get(SERVER)
    if not server:
        pytest.skip(f"no PostgreSQL at hand: {SERVER} names none")
    engine = create_async_engine(parse(server), isolation_level="AUTOCOMMIT")
    name = f"llmd_test_{uuid.uuid4().hex}"
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    async with engine.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name}"))
    await engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"] if os.environ.get(SERVER) else ["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a database of either kind is; of SQLite a migrated one."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres"))
    open_database(tmp_path)
    return tmp_path / "llmd.db"


@pytest.fixture
async def database(place: str | Path) -> AsyncIterator[Database]:
    made = Database(place)
    await made.open()
    for engine in dict.fromkeys(made._engines or ()):
        event.listen(engine.sync_engine, "before_execute", compiles_for_postgresql)
    yield made
    await made.close()
