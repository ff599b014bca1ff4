from __future__ import annotations

import asyncio
from types import ModuleType, SimpleNamespace

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from llmd.storage import Database
from llmd.storage.tables.usage import usage
from llmd.storage.upsert import upsert


@pytest.fixture
async def table(database: Database) -> Table:
    made = Table(
        "things",
        MetaData(),
        Column("name", String(9), primary_key=True),
        Column("place", Integer, primary_key=True, autoincrement=False),
        Column("sum", Integer),
    )
    async with database.writing() as connection:
        await connection.run_sync(made.metadata.create_all)
    return made


async def test_a_row_is_made_once_and_changed_from_then_on(
    database: Database, table: Table
) -> None:
    async def add(name: str, place: int) -> None:
        row = {"name": name, "place": place, "sum": 1}
        async with database.writing() as connection:
            await connection.execute(upsert(connection, table, row, {"sum": table.c.sum + 1}))

    await asyncio.gather(*(add("ab"[number % 2], number % 3) for number in range(30)))
    async with database.reading() as connection:
        rows = await connection.execute(select(table).order_by(table.c.name, table.c.place))
        assert [tuple(row) for row in rows] == [
            (name, place, 5) for name in "ab" for place in range(3)
        ]


@pytest.mark.parametrize("dialect", [postgresql, sqlite])
def test_both_databases_understand_it(dialect: ModuleType) -> None:
    connection = SimpleNamespace(dialect=dialect.dialect())
    statement = upsert(connection, usage, {"subject": "a", "hour": 1}, {"tokens": 2})  # type: ignore[arg-type]  all that it looks at
    text = str(statement.compile(dialect=connection.dialect))
    assert "ON CONFLICT (subject, hour) DO UPDATE SET tokens" in text
