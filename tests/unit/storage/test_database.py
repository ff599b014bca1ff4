from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from llmd.errors import NoRoom, StorageFailed
from llmd.storage import Database
from tests.fakes.databases import database as open_database


async def execute(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def ask(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """SQLite; what concerns PostgreSQL stands at the end."""
    made = open_database(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def things(database: Database) -> Database:
    await execute(database, "CREATE TABLE things (x INTEGER)")
    return database


async def test_it_is_opened_when_it_is_first_used(tmp_path: Path) -> None:
    database = Database(tmp_path / "deep" / "er" / "llmd.db")
    assert list(tmp_path.iterdir()) == []
    assert await ask(database, "SELECT count(*) FROM sessions") == [(0,)]
    await database.close()


async def test_nobody_else_may_read_its_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(tmp_path / "new" / "llmd.db")
        await execute(database, "CREATE TABLE things (x INTEGER)")
        files = list((tmp_path / "new").iterdir())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
        await database.close()
    finally:
        os.umask(before)
    assert modes == {"llmd.db": 0o600, "llmd.db-wal": 0o600, "llmd.db-shm": 0o600}


async def test_a_file_that_others_could_read_is_closed_to_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "llmd.db").touch(0o644)
    database = Database(tmp_path / "llmd.db")
    await database.open()
    await database.close()
    assert stat.S_IMODE((tmp_path / "llmd.db").stat().st_mode) == 0o600


async def test_each_commit_is_on_the_disk_and_links_between_tables_hold(
    database: Database,
) -> None:
    for connecting in (database.reading, database.writing):
        async with connecting() as connection:
            found = [
                (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert found == ["wal", 2, 1]


async def test_an_error_takes_everything_back(things: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with things.writing() as connection:
            await connection.execute(text("INSERT INTO things VALUES (1)"))
            raise ZeroDivisionError
    assert await ask(things, "SELECT * FROM things") == []


async def test_an_error_of_the_database_is_told_in_llmds_words(things: Database) -> None:
    with pytest.raises(StorageFailed, match="no such table") as caught:
        await execute(things, "INSERT INTO things VALUES (1)", "INSERT INTO nowhere VALUES (1)")
    assert things.place in caught.value.message
    assert await ask(things, "SELECT * FROM things") == []


async def test_readers_do_not_wait_for_the_writer_and_see_no_half_of_it(things: Database) -> None:
    async with things.writing() as connection:
        await connection.execute(text("INSERT INTO things VALUES (1)"))
        assert await ask(things, "SELECT * FROM things") == []
    assert await ask(things, "SELECT * FROM things") == [(1,)]


async def test_many_writers_take_turns(things: Database) -> None:
    async def increase() -> None:
        async with things.writing() as connection:
            found = (await connection.execute(text("SELECT max(x) FROM things"))).scalar() or 0
            await connection.execute(text("INSERT INTO things VALUES (:x)"), {"x": found + 1})

    await asyncio.gather(*(increase() for _ in range(50)))
    assert await ask(things, "SELECT count(*), max(x) FROM things") == [(50, 50)]


async def test_writers_of_two_processes_take_turns(things: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "llmd.db")

    async def increase(database: Database) -> None:
        async with database.writing() as connection:
            found = (await connection.execute(text("SELECT max(x) FROM things"))).scalar() or 0
            await connection.execute(text("INSERT INTO things VALUES (:x)"), {"x": found + 1})

    await asyncio.gather(*(increase(each) for _ in range(20) for each in (things, other)))
    await other.close()
    assert await ask(things, "SELECT count(*), max(x) FROM things") == [(40, 40)]


async def test_writers_that_are_cancelled_leave_no_lock_behind(things: Database) -> None:
    async def slow() -> None:
        async with things.writing() as connection:
            await connection.execute(text("INSERT INTO things VALUES (1)"))
            await asyncio.sleep(60)

    for turns in range(12):
        writing = asyncio.ensure_future(slow())
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    await execute(things, "INSERT INTO things VALUES (7)")
    assert await ask(things, "SELECT * FROM things") == [(7,)]


async def test_a_full_disk_keeps_nothing_by_halves_and_says_so(things: Database) -> None:
    async with things.writing() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(NoRoom, match="nothing of this was kept"):
        async with things.writing() as connection:
            for _ in range(100):
                await connection.execute(text("INSERT INTO things VALUES (zeroblob(1000))"))
    assert await ask(things, "SELECT count(*) FROM things") == [(0,)]
    await execute(things, "INSERT INTO things VALUES (1)")


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_damaged_file_is_refused_and_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "llmd.db"
    path.write_bytes(content)
    database = Database(path)
    with pytest.raises(StorageFailed, match="damaged") as caught:
        await database.open()
    await database.close()
    assert path.read_bytes() == content
    assert "move it away" in caught.value.hint


async def test_a_file_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "llmd.db").mkdir()
    database = Database(tmp_path / "llmd.db")
    with pytest.raises(StorageFailed, match=r"llmd\.db cannot be used: Is a directory"):
        await database.open()
    await database.close()


async def test_another_programs_lock_is_waited_for_and_then_told(
    things: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.storage.database._PATIENCE", 0.05)
    hurried = Database(tmp_path / "llmd.db")
    await hurried.open()
    holder = sqlite3.connect(tmp_path / "llmd.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="Another program holds") as caught:
        await execute(hurried, "INSERT INTO things VALUES (1)")
    assert caught.value.retry_after == 1
    holder.execute("ROLLBACK")
    holder.close()
    await execute(hurried, "INSERT INTO things VALUES (1)")
    await hurried.close()


async def test_after_the_end_nothing_can_be_asked(database: Database) -> None:
    await database.open()
    await database.close()
    with pytest.raises(StorageFailed, match="closed"):
        await database.open()


WRITER = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import text
from llmd.storage import Database

async def main():
    database = Database(Path(sys.argv[1]))
    for number in range(10**6):
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO things VALUES (:x)"), {"x": number})
            await connection.execute(text("INSERT INTO things VALUES (:x)"), {"x": number})
        print(number, flush=True)

asyncio.run(main())
"""


async def test_what_was_committed_outlives_a_kill(things: Database, tmp_path: Path) -> None:
    await things.close()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "llmd.db")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout
    last = 0
    for line in writer.stdout:
        if (last := int(line)) >= 50:
            break
    writer.send_signal(signal.SIGKILL)
    last = max([last, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    again = Database(tmp_path / "llmd.db")
    twos = await ask(again, "SELECT x, count(*) FROM things GROUP BY x ORDER BY x")
    await again.close()
    assert twos[: last + 1] == [(number, 2) for number in range(last + 1)]
    assert {count for _, count in twos} == {2}


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    pytest.importorskip("asyncpg", reason="the extra `postgres` is not installed")
    database = Database("postgresql://me:secret@127.0.0.1:1/llmd")
    with pytest.raises(StorageFailed) as caught:
        await database.open()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)
    await database.close()


async def test_transactions_of_postgresql_end_as_those_of_sqlite_do(postgres: str) -> None:
    database = Database(postgres)
    await execute(database, "CREATE TABLE things (x INTEGER UNIQUE)")
    with pytest.raises(StorageFailed, match="duplicate key") as caught:
        await execute(database, *["INSERT INTO things VALUES (1)"] * 2)
    assert "INSERT" not in str(caught.value)
    assert await ask(database, "SELECT * FROM things") == []
    await execute(database, "INSERT INTO things VALUES (1)")
    assert await ask(database, "SELECT * FROM things") == [(1,)]
    await database.close()
