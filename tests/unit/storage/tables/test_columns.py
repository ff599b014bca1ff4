from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from llmd.storage.tables.columns import Json, Moment, Number, Text

POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]


@pytest.fixture
def table() -> Table:
    return Table(
        "things",
        MetaData(),
        Column("number", Number, primary_key=True),
        Column("text", Text),
        Column("json", Json),
        Column("at", Moment),
    )


def test_what_goes_in_comes_out(table: Table, tmp_path: Path) -> None:
    value: dict[str, Any] = {"a": [1.5, None, "\0", 2**70], "数": {"b": True}}
    text = "NUL \0, 你好, 😀, '; DROP TABLE things; --"
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    connection: Connection
    with engine.begin() as connection:
        table.metadata.create_all(connection)
        connection.execute(insert(table), {"text": text, "json": value, "at": 1700000000.123456})
        connection.execute(insert(table), {"text": None, "json": None, "at": None})
        found = connection.execute(select(table).order_by(table.c.number)).all()
    engine.dispose()
    assert found == [(1, text, value, 1700000000.123456), (2, None, None, None)]


def test_postgresql_gets_no_nul() -> None:
    assert Text().process_bind_param("a\0b", POSTGRES) == "a�b"
    assert Text().process_bind_param("a\0b", sqlite.dialect()) == "a\0b"  # type: ignore[no-untyped-call]
    assert Json().process_bind_param("a\0b", POSTGRES) == '"a\\u0000b"'


def test_numbers_are_large_where_the_database_tells_integers_apart() -> None:
    assert Number.compile(dialect=POSTGRES) == "BIGINT"
    assert Number.compile(dialect=sqlite.dialect()) == "INTEGER"  # type: ignore[no-untyped-call]
